-- Organisers find orders by the beginning of an e-mail address, whatever its case, and by a seat, of refunded orders too.
-- Neither changes with an order's state, so its updates stay on their page.
create index ticket_order_buyer on ticket_order (sale, lower(buyer_email) text_pattern_ops);
create index ticket_void on ticket (event, seat) where not live;
