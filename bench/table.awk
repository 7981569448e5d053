# Makes the tables of bench/run. Arguments: contestants.tsv, goals.tsv, results.tsv, each
# after kind=contestant, kind=goal, kind=result. A result: round, contestant, figure, median,
# smallest, unit; or "-", contestant, "missing", why. Each family of contestants has its own
# tables; -v wanted=FAMILY leaves out the others'.
#
# The median over the rounds, with the smallest and the largest round. Goals
# compare what was measured in the same round.

BEGIN {
    NEVER = 1e300 # not reached
    FS = OFS = "\t"
    tables = 0
    family = "threads"
    table("Cost of a task, ns", "empty store range metg50 metg80 instructions",
          "empty task|one double stored|range body|METG(50 %)|METG(80 %)|instructions")
    table("Starting and ending, ns", "hot idle region team team_whole nested",
          "2 empty tasks, hot|2 empty tasks after 10 ms|empty region|5 µs per worker, beyond 5 µs|all took part, of 1|2 empty tasks, nested")
    shapes("N = 200", "200")
    shapes("N = 20 000", small ? "2000" : "20000")
    table("400 neighbours that sleep among 8 million empty tasks, 8 workers", "neighbours", "makespan / ideal")
    family = "processes"
    table("Processes, starting, ms", "start_first start_all parent1_first parent1_all",
          "first result|2 tasks, all over|first result, parent of 1 GiB|all over")
    table("A task that never ends: ms past its limit", "limit_10ms limit_100ms limit_1s", "10 ms|100 ms|1 s")
    table("Processes, cost of a task, ns", "empty bytes metg50 metg80",
          "empty task|64 bytes of result, more|METG(50 %)|METG(80 %)")
    table("Processes, makespan / ideal, N = 200", "uneven_up uneven_down uneven_last",
          "ramp up|ramp down|straggler last")
    table("Parent of 4 GiB, ms", "parent4_pages_first parent4_pages_all parent4_dontfork_first parent4_dontfork_all " \
          "parent4_huge_first parent4_huge_all parent4_shared_first parent4_shared_all",
          "pages of 4 KiB, first result|all over|MADV_DONTFORK, first result|all over|" \
          "huge pages, first result|all over|shared memory, first result|all over")
    family = "ranks"
    table("Two ranks, cost of a task, ns", "empty metg50 metg80", "empty task|METG(50 %)|METG(80 %)")
    shapes("two ranks, N = 200", "200")
    shapes("two ranks, N = 20 000", small ? "2000" : "20000")
    table("More ranks than CPUs; a long task: makespan / ideal", "crowd3 crowd4 long long_idle",
          "20 µs tasks, 3 ranks|4 ranks|one 2 s task, 3 ranks|longest idle, ms")
    table("What ranks take", "start start_added start_final rest grow",
          "start to end, ms|beyond MPI's own, ms|MPI_Finalize, ms|CPU at rest, %|memory beyond results, MiB")
}

function table(title, figures, heads) {
    titles[++tables] = title
    families[tables] = family
    columns[tables] = figures
    headings[tables] = heads
}

function shapes(title, n) {
    table("Makespan / ideal, " title,
          "ramp_up:" n " ramp_down:" n " lognormal:" n " first:" n " last:" n " middle:" n,
          "ramp up|ramp down|lognormal|straggler first|last|in the middle")
}

/^#/ || NF == 0 { next }
kind == "contestant" { names[++contestants] = $1; kin[$1] = $2; next }
kind == "goal" { goals[++ngoals] = $0; next }
kind == "result" && $3 == "missing" { missing[$2] = missing[$2] (missing[$2] == "" ? "" : "; ") $4; next }
kind == "result" {
    at[$2, $3, $1] = $4 == "-" ? NEVER : $4 + 0
    seen[$2, $3] = 1
    column[kin[$2], $3] = 1
    rounds = $1 > rounds ? $1 : rounds
}

# Sorts pool[1 ... n].
function sort(n,    i, k, x) {
    for (i = 2; i <= n; i++) {
        x = pool[i]
        for (k = i - 1; k > 0 && pool[k] > x; k--)
            pool[k + 1] = pool[k]
        pool[k + 1] = x
    }
}

# What pool[1 ... n], sorted, has in the middle.
function middle(n) {
    return pool[n % 2 ? (n + 1) / 2 : n / 2 + 1] >= NEVER ? NEVER : (pool[int((n + 1) / 2)] + pool[int(n / 2) + 1]) / 2
}

function number(x) {
    if (x >= NEVER)
        return "not reached"
    return x >= 1000 || x <= -1000 ? sprintf("%.0f", x) : x >= 100 ? sprintf("%.1f", x) : sprintf("%.3f", x)
}

function spread(n) {
    sort(n)
    return n == 1 ? number(pool[1]) : number(middle(n)) " (" number(pool[1]) "–" number(pool[n]) ")"
}

function cell(name, figure,    r, n) {
    n = 0
    for (r = 1; r <= rounds; r++)
        if ((name, figure, r) in at)
            pool[++n] = at[name, figure, r]
    return n ? spread(n) : "–"
}

function is_wanted(family) {
    return wanted == "" || wanted == family
}

# Leaves out what nobody measured.
function print_table(t,    i, k, n, figure, head, line, some) {
    if (!is_wanted(families[t]))
        return
    n = split(columns[t], figure, " ")
    split(headings[t], head, "|")
    line = "| " titles[t] " |"
    for (k = 1; k <= n; k++) {
        some += (families[t], figure[k]) in column
        if ((families[t], figure[k]) in column)
            line = line " " head[k] " |"
    }
    if (!some)
        return
    print "\n" line
    gsub(/[^|]+/, "---", line)
    print line
    for (i = 1; i <= contestants; i++)
        if (kin[names[i]] == families[t])
            print_row(names[i], figure, n)
}

function print_row(name, figure, n,    k, line, some) {
    line = "| " name " |"
    for (k = 1; k <= n; k++) {
        some += (name, figure[k]) in seen
        if ((kin[name], figure[k]) in column)
            line = line " " cell(name, figure[k]) " |"
    }
    if (some)
        print line
}

# Compared with a number rather than with another contestant.
function absolute(comparison) {
    return comparison == "value" || comparison == "worst"
}

# pool[]: the goal's value in each round in which both sides were measured.
function goal_values(f,    r, n, x, y) {
    n = 0
    for (r = 1; r <= rounds; r++) {
        if (!((f[3], f[4], r) in at) || (!absolute(f[5]) && !((f[6], f[7], r) in at)))
            continue
        x = at[f[3], f[4], r]
        y = absolute(f[5]) ? 0 : at[f[6], f[7], r]
        if (y >= NEVER || (f[5] == "ratio" && y <= 0))
            continue # nothing to compare with
        pool[++n] = x >= NEVER ? NEVER : f[5] == "ratio" ? x / y : x - y
    }
    return n
}

function print_goals(    i, n, f, against, verdict, counts, met, known) {
    print "\n| goal | what | contestant | against | bar | measured | |"
    print "|---|---|---|---|---|---|---|"
    for (i = 1; i <= ngoals; i++) {
        split(goals[i], f, "\t")
        n = is_wanted(kin[f[3]]) ? goal_values(f) : 0
        if (n == 0)
            continue
        against = absolute(f[5]) ? f[6] (f[5] == "worst" ? ", every round" : "") : f[5] == "ratio" ? "× " f[6] : f[6] " +"
        verdict = spread(n)
        counts = f[5] == "worst" ? pool[n] : middle(n)
        met += counts <= f[8] + 0
        known++
        print "| " f[1] " | " f[2] " | " f[3] " | " against " | " f[8] " | " verdict " | " \
              (counts <= f[8] + 0 ? "met" : "**not met**") " |"
    }
    print "\n" met + 0 " of " known + 0 " goals measured are met."
}

END {
    for (i = 1; i <= tables; i++)
        print_table(i)
    for (i = 1; i <= contestants; i++)
        if ((names[i] in missing) && is_wanted(kin[names[i]]))
            print (said++ ? "" : "\n") "- " names[i] ": " missing[names[i]]
    print_goals()
}
