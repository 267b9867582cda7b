-- Values are in thousandths.
create table day (day text primary key, lines bigint not null, value bigint not null);
create table customer (id text primary key, value bigint not null);

-- Which documents were seen on which day. Their kind is part of the key: nothing depends on who came first.
create table day_document (
  day text not null, document text not null, kind text not null, primary key (day, document, kind));

-- One row for each line booked. Nothing here is unique, so that an effect too many would show.
create table entry (line text not null, document text not null, value bigint not null);
