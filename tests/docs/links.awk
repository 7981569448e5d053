# Prints what a page of Markdown links to and what can be linked to in it, one
# a line: "link <line> <target>" and "anchor <name>". Blocks are passed over;
# so are links to other hosts.

/^```/ {
    inside = !inside
    next
}

inside {
    next
}

# As GitHub makes an anchor of a heading.
/^#+ / {
    name = $0
    sub(/^#+ +/, "", name)
    name = tolower(name)
    gsub(/[^a-z0-9 _-]/, "", name)
    gsub(/ /, "-", name)
    print "anchor", name
}

{
    rest = $0
    gsub(/`[^`]*`/, "", rest)
    while (match(rest, /\]\([^)]*\)/)) {
        target = substr(rest, RSTART + 2, RLENGTH - 3)
        rest = substr(rest, RSTART + RLENGTH)
        if (target !~ /^(https?|mailto):/)
            print "link", FNR, target
    }
}
