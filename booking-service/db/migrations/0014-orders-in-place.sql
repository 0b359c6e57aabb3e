-- A lease that is taken or renewed stays on its page and in no index: taking orders to work on had written seven indexes each
-- time. Those that owe something are few, so that they are sorted when they are handed out.
drop index ticket_order_unsettled;
create index ticket_order_unsettled on ticket_order (id)
where payment <> 'settled' and not (respond_async and state = 'inProgress');
alter table ticket_order set (fillfactor = 70);
