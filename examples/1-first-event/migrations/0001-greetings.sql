create table greeting (number integer primary key, words text not null);
