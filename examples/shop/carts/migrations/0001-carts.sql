-- What shoppers did to their carts, one row for each event; never changed, so that order cannot matter.
create table cart_change (
  event text not null, cart text not null, stock_code text not null, kind text not null,
  quantity bigint not null, stamp text not null);
create index cart_change_of on cart_change (cart, stock_code);

-- One row for each line bought. Nothing here is unique, so that an effect too many would show.
create table bought (line text not null, cart text not null, stock_code text not null, quantity bigint not null);

-- A quantity is the newest `set` and what was added since; a check-out sets everything to none.
create view cart_content as
select cart, stock_code, cast(sum(quantity) as bigint) as quantity
from cart_change as change
where kind in ('added', 'set') and stamp >= coalesce((
  select max(stamp) from cart_change as other
  where other.cart = change.cart
    and (other.kind = 'emptied' or (other.kind = 'set' and other.stock_code = change.stock_code))), '')
group by cart, stock_code
having sum(quantity) > 0;
