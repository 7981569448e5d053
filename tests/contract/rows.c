/* Looking up rows of the program's table. */
#include "contract.h"

const struct row *row_at(int number)
{
    return number < nrows ? &rows[number] : NULL;
}

const struct row *row_find(const char *name)
{
    for (int i = 0; i < nrows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

furrow_config row_config(const struct row *row)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = row->backend;
    config.jobs = row->workers;
    config.strict = true;
    return config;
}
