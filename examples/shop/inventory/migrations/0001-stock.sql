-- Stock codes differ by case, as the default collation does. On hand is `adjusted - sold`: there is no opening stock.
create table stock (stock_code text primary key, sold bigint not null, adjusted bigint not null);

-- One row for each movement. Nothing here is unique, so that an effect too many would show.
create table movement (line text not null, kind text not null, stock_code text not null, quantity bigint not null);
