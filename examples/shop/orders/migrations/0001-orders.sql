-- Values are in thousandths.
create table orders (id text primary key, lines bigint not null, value bigint not null);
create table cancellation (id text primary key, lines bigint not null, value bigint not null);

-- One row for each line ordered or cancelled. Nothing here is unique, so that an effect too many would show.
create table order_line (
  line text not null, document text not null, stock_code text not null, quantity bigint not null, value bigint not null);
