-- COPY writes rows one by one where a default may differ from row to row.

do $$
declare
    entity record;
begin
    for entity in
        select table_name from delta_entity
        where to_regclass(format('syncflow.%I', table_name)) is not null
    loop
        execute format(
            'alter table syncflow.%I alter column state_since set default statement_timestamp(), '
            'alter column created_at set default statement_timestamp()',
            entity.table_name
        );
    end loop;
end
$$;
