import { contract, event } from 'skerry'
import { z } from 'zod'

const Comment = z.object({ post: z.string(), comment: z.string() })

export const Readers = contract('readers', {
  events: {
    commented: event({ data: Comment, key: (d) => d.post }),
    withdrawn: event({ data: Comment, key: (d) => d.post }),
  },
})

export const Posts = contract('posts', { events: {} })

export const sql = `create table post (id text primary key, comments integer not null);
  create table comment (post text, id text, told integer not null default 0, withdrawn integer not null default 0,
    primary key (post, id));
  insert into post values ('p1', 0), ('p2', 0)`
