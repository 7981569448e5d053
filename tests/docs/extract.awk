# Takes the examples out of a page of Markdown.
#
#   awk -v to=FOLDER -f extract.awk PAGE
#
# A line that is a comment before a fenced block says what the block is:
#
#   <!-- example: NAME -->    a program, or the next part of it where the page
#                             has used NAME before:  FOLDER/NAME.<c|cpp|f90>
#   <!-- output: NAME -->     what that program prints:  FOLDER/NAME.out
#   <!-- quote: PATH -->      a part of a file of the tree:  FOLDER/quote-N.txt,
#                             its path in FOLDER/quote-N.path
#
# Several such comments may stand before one block. Prints a line for each
# example: "<NAME> <c|cpp|f90>". Exit status 1 after a mistake in the page.

function mistake(text)
{
    printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
    failed = 1
}

function suffix_of(language)
{
    if (language == "c" || language == "cpp")
        return language
    return language == "fortran" ? "f90" : ""
}

# Sets targets[1 ... ntargets] for the block that starts here.
function open_block(language,    suffix)
{
    ntargets = 0
    if (example != "") {
        suffix = suffix_of(language)
        if (suffix == "")
            mistake("an example in \"" language "\"; known are c, cpp and fortran")
        if (!(example in kind)) {
            kind[example] = suffix
            print example, suffix
        } else if (kind[example] != suffix) {
            mistake("the example " example " changes its language")
        }
        targets[++ntargets] = to "/" example "." suffix
    }
    if (output != "") {
        printed[output] = 1
        targets[++ntargets] = to "/" output ".out"
    }
    if (quote != "") {
        quotes++
        print quote > (to "/quote-" quotes ".path")
        targets[++ntargets] = to "/quote-" quotes ".txt"
    }
    example = output = quote = ""
}

/^<!-- (example|output|quote): .* -->$/ && !inside {
    value = $0
    sub(/^<!-- [a-z]+: */, "", value)
    sub(/ *-->$/, "", value)
    if ($2 != "quote:" && value !~ /^[a-z0-9_]+$/)
        mistake("\"" value "\" is no name; use lower-case letters, digits and _")
    if ($2 == "example:")
        example = value
    else if ($2 == "output:")
        output = value
    else
        quote = value
    next
}

/^```/ && !inside {
    inside = 1
    open_block(substr($0, 4))
    next
}

/^```$/ && inside {
    inside = 0
    ntargets = 0
    next
}

inside {
    for (t = 1; t <= ntargets; t++)
        print > targets[t]
    next
}

/[^ ]/ && (example != "" || output != "" || quote != "") {
    mistake("a comment about a block that does not follow")
    example = output = quote = ""
}

END {
    if (inside)
        mistake("a block that does not end")
    for (name in printed)
        if (!(name in kind))
            mistake("output of \"" name "\", which is no example of this page")
    exit failed
}
