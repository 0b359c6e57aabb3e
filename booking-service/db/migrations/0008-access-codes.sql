-- A sale may ask for a code before it gives a place in its queue. The gateway keeps count of their use; here they are kept
-- for good, as they are compared: in small letters. Null uses: no code is needed.
alter table sale add column access_code_uses int check (access_code_uses > 0);

create table access_code (
  sale text not null references sale,
  code text not null check (code = lower(code)),
  primary key (sale, code)
);
