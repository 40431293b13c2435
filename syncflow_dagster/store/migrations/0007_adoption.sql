-- Boards that were filled by other means and are taken over: no push plans while one is unfinished.

create table adoption (
    workflow     text not null,
    node         text not null,
    board_id     text not null,
    began_at     timestamptz not null,
    finished_at  timestamptz,
    counts       jsonb not null default '{}',
    primary key (workflow, node)
);
