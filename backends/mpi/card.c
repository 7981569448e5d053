#include "card.h"

#include <string.h>

#include "given.h"

/* -- Filling ------------------------------------------------------------ */

static uint32_t flags_of(const furrow_job *job)
{
    uint32_t flags = 0;

    flags |= job->shared_memory ? FW_CARD_SHARED_MEMORY : 0;
    flags |= job->isolate ? FW_CARD_ISOLATE : 0;
    flags |= job->everywhere ? FW_CARD_EVERYWHERE : 0;
    flags |= job->ordered ? FW_CARD_ORDERED : 0;
    flags |= job->in != NULL ? FW_CARD_IN : 0;
    flags |= job->out != NULL ? FW_CARD_OUT : 0;
    flags |= job->outcome != NULL ? FW_CARD_OUTCOME : 0;
    flags |= job->next != NULL ? FW_CARD_NEXT : 0;
    flags |= job->on_result != NULL ? FW_CARD_RESULTS : 0;
    flags |= job->shared != NULL && job->shared_size == 0 ? FW_CARD_ADDRESS : 0;
    flags |= job->cost != NULL ? FW_CARD_COST : 0;
    flags |= job->name != NULL ? FW_CARD_NAMED : 0;
    return flags;
}

static bool identify_reduction(const struct fw_reducing *reducing, struct fw_card *card)
{
    struct fw_card_reduction *reduction = &card->reduction;

    if (reducing == NULL)
        return true;
    card->flags |= FW_CARD_REDUCES;
    reduction->cut = reducing->cut;
    reduction->shared_size = reducing->shared_size;
    if (fw_identity_of((fw_function *)reducing->fold, &reduction->fold) &&
        fw_identity_of((fw_function *)reducing->combine, &reduction->combine))
        return true;
    (void)fw_fail(FURROW_EINVAL, "reduction.fold or combine is in no module that the dynamic linker knows; use functions "
                                 "of the program or of a shared library");
    return false;
}

static bool identify(const struct fw_request *request, struct fw_card *card)
{
    const furrow_job *job = &request->job;

    return fw_identity_of((fw_function *)job->run, &card->run) &&
           fw_identity_of((fw_function *)job->worker_begin, &card->begin) &&
           fw_identity_of((fw_function *)job->worker_end, &card->end);
}

bool fw_card_fill(struct fw_card *card, const struct fw_request *request)
{
    const furrow_job *job = &request->job;

    card->flags = flags_of(job);
    if (job->name != NULL)
        fw_text_copy(card->name, sizeof card->name, job->name);
    card->count = job->count;
    card->in_size = job->in_size;
    card->out_size = job->out_size;
    card->shared_size = fw_given_bytes(request);
    card->seed = job->seed;
    card->scratch = request->scratch;
    if (identify(request, card))
        return identify_reduction(request->reducing, card);
    (void)fw_fail(FURROW_EINVAL, "job.run, worker_begin or worker_end is in no module that the dynamic linker knows; "
                                 "use functions of the program or of a shared library");
    return false;
}

/* -- Comparing ---------------------------------------------------------- */

static const char everyone[] = "all ranks must start the same job";

static furrow_status differ_number(const char *what, uint64_t mine, uint64_t roots)
{
    return fw_fail(FURROW_EINVAL, "%s is %llu where rank 0 has %llu; %s", what, (unsigned long long)mine,
                   (unsigned long long)roots, everyone);
}

static furrow_status compare_functions(const struct fw_card *mine, const struct fw_card *roots)
{
    const struct {
        const char *what;
        const struct fw_identity *mine, *roots;
    } functions[] = { { "job.run", &mine->run, &roots->run },
                      { "job.worker_begin", &mine->begin, &roots->begin },
                      { "job.worker_end", &mine->end, &roots->end },
                      { "reduction.fold", &mine->reduction.fold, &roots->reduction.fold },
                      { "reduction.combine", &mine->reduction.combine, &roots->reduction.combine } };

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const struct fw_identity *a = functions[i].mine, *b = functions[i].roots;

        if (fw_identity_same(a, b))
            continue;
        if (a->set && b->set && memcmp(a->id, b->id, sizeof a->id) != 0)
            return fw_fail(FURROW_EINVAL, "%s is in another build (%s) than on rank 0 (%s); start the same program and "
                           "libraries on all ranks", functions[i].what, a->module[0] != '\0' ? a->module : "the program",
                           b->module[0] != '\0' ? b->module : "the program");
        return fw_fail(FURROW_EINVAL, "%s is another function than on rank 0; %s", functions[i].what, everyone);
    }
    return FURROW_OK;
}

/* Of a reduction all numbers decide the result, which each rank joins itself. */
static furrow_status compare_reductions(const struct fw_card_reduction *mine, const struct fw_card_reduction *roots)
{
    const struct {
        const char *what;
        uint64_t mine, roots;
    } numbers[] = { { "reduction.count", mine->cut.count, roots->cut.count },
                    { "reduction.size", mine->cut.size, roots->cut.size },
                    { "reduction.grain", mine->cut.grain, roots->cut.grain },
                    { "reduction.shared_size", mine->shared_size, roots->shared_size } };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].mine != numbers[i].roots)
            return differ_number(numbers[i].what, numbers[i].mine, numbers[i].roots);
    return FURROW_OK;
}

static furrow_status compare_flags(const struct fw_card *mine, const struct fw_card *roots)
{
    static const struct {
        uint32_t bit;
        const char *what;
    } flags[] = { { FW_CARD_SHARED_MEMORY, "job.shared_memory" },
                  { FW_CARD_ISOLATE, "job.isolate" },
                  { FW_CARD_EVERYWHERE, "job.everywhere" },
                  { FW_CARD_ORDERED, "job.ordered" } };

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if ((mine->flags & flags[i].bit) != (roots->flags & flags[i].bit))
            return fw_fail(FURROW_EINVAL, "%s is %s where rank 0 has %s; %s", flags[i].what,
                           (mine->flags & flags[i].bit) != 0 ? "true" : "false",
                           (roots->flags & flags[i].bit) != 0 ? "true" : "false", everyone);
    return FURROW_OK;
}

static furrow_status compare_sizes(const struct fw_card *mine, const struct fw_card *roots)
{
    if (mine->count != 0 && mine->count != roots->count)
        return differ_number("job.count", mine->count, roots->count);
    if (mine->in_size != roots->in_size)
        return differ_number("job.in_size", mine->in_size, roots->in_size);
    if (mine->out_size != roots->out_size)
        return differ_number("job.out_size", mine->out_size, roots->out_size);
    if (mine->shared_size != roots->shared_size)
        return differ_number("job.shared_size", mine->shared_size, roots->shared_size);
    if ((mine->flags & FW_CARD_OUTCOME) != 0 && (roots->flags & FW_CARD_OUTCOME) == 0)
        return fw_fail(FURROW_EINVAL, "job.outcome is set where rank 0 has none; %s", everyone);
    if ((roots->flags & FW_CARD_EVERYWHERE) != 0 && (roots->flags & FW_CARD_OUT) != 0 && (mine->flags & FW_CARD_OUT) == 0)
        return fw_fail(FURROW_EINVAL, "job.out is NULL and job.everywhere is true; give an array on each rank");
    return FURROW_OK;
}

/* A field at its default takes what rank 0 has. */
static furrow_status compare_config(const furrow_config *given, const furrow_config *roots)
{
    const furrow_config unset = FURROW_CONFIG_DEFAULT;
    const struct {
        const char *what;
        double mine, roots, unset;
    } fields[] = { { "config.jobs", given->jobs, roots->jobs, unset.jobs },
                   { "config.inner_threads", given->inner_threads, roots->inner_threads, unset.inner_threads },
                   { "config.batch", (double)given->batch, (double)roots->batch, (double)unset.batch },
                   { "config.timeout", given->timeout, roots->timeout, unset.timeout },
                   { "config.retries", given->retries, roots->retries, unset.retries },
                   { "config.keep_going", given->keep_going, roots->keep_going, unset.keep_going },
                   { "config.strict", given->strict, roots->strict, unset.strict },
                   { "config.bind", given->bind, roots->bind, unset.bind } };

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const double mine = fields[i].mine, at_root = fields[i].roots;
        const bool is_unset = !(mine < fields[i].unset) && !(mine > fields[i].unset);

        if (!is_unset && (mine < at_root || mine > at_root))
            return fw_fail(FURROW_EINVAL, "%s is %g where rank 0 has %g; %s", fields[i].what, mine, at_root, everyone);
    }
    return FURROW_OK;
}

static furrow_status compare_names(const struct fw_card *mine, const struct fw_card *roots)
{
    if ((mine->flags & FW_CARD_NAMED) == (roots->flags & FW_CARD_NAMED) && strcmp(mine->name, roots->name) == 0)
        return FURROW_OK;
    return fw_fail(FURROW_EINVAL, "job.name is \"%s\" where rank 0 has \"%s\"; %s", mine->name, roots->name, everyone);
}

furrow_status fw_card_compare(const struct fw_card *mine, const struct fw_card *roots, const furrow_config *given)
{
    furrow_status status = compare_names(mine, roots);

    if (status == FURROW_OK)
        status = compare_functions(mine, roots);
    if (status == FURROW_OK)
        status = compare_reductions(&mine->reduction, &roots->reduction);
    if (status == FURROW_OK)
        status = compare_flags(mine, roots);
    if (status == FURROW_OK)
        status = compare_sizes(mine, roots);
    if (status == FURROW_OK)
        status = compare_config(given, &roots->config);
    return status;
}
