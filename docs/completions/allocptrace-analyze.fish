# fish completion for allocptrace-analyze(1)
# SPDX-License-Identifier: MIT

# The value that is being written, behind its option's '='.
function __fish_allocptrace_analyze_value
    commandline -ct | string replace -r '^--[a-z-]+=' ''
end

# The names in $argv (each with a description behind a tab), or behind a name and a colon files.
function __fish_allocptrace_analyze_named_file
    set -l word (__fish_allocptrace_analyze_value)
    if string match -q '*:*' -- $word
        set -l parts (string split -m 1 : -- $word)
        printf "$parts[1]:%s\n" (__fish_complete_path $parts[2])
    else
        printf '%s\n' $argv
    end
end

function __fish_allocptrace_analyze_views
    __fish_allocptrace_analyze_named_file peak\t'the live set at the peak' \
        temporary\t'freed before the next allocation' \
        growth\t'buffers resized and bytes copied' \
        slack\t'usable beyond what was asked for' \
        sizes\t'histogram of the bytes asked for' \
        lifetimes\t'histogram of how long blocks lived' \
        long-lived\t'what was not freed, by age' \
        threads\t'what each thread allocated' \
        cross-thread\t'freed by another thread' \
        failed\t'calls that returned nothing' \
        bad-frees\t'invalid and double frees'
end

function __fish_allocptrace_analyze_exports
    __fish_allocptrace_analyze_named_file folded:\t'folded stacks' \
        pprof:\t'for go tool pprof' \
        speedscope:\t'for speedscope' \
        sqlite:\t'a database for questions of your own' \
        sqlite-blocks:\t'the same with each block' \
        valgrind-xml:\t'as memcheck writes it' \
        heaptrack:\t'for heaptrack_print and heaptrack_gui' \
        dhat:\t"for the viewer of valgrind's DHAT" \
        massif:\t'for ms_print and massif-visualizer'
end

function __fish_allocptrace_analyze_quantities
    set -l quantities leaked\t'bytes not freed' \
        leaked-blocks\t'blocks not freed' \
        peak\t'most bytes alive at one time' \
        peak-blocks\t'blocks alive then' \
        allocated\t'bytes asked for' \
        allocations\t'number of allocations' \
        reallocations\t'number of reallocations' \
        temporary\t'freed before the next allocation' \
        failed\t'calls that returned nothing' \
        invalid-frees\t'frees where no block was alive' \
        lost\t'bytes definitely or indirectly lost' \
        definitely-lost\t'bytes that nothing points to' \
        indirectly-lost\t'bytes that only lost blocks point to' \
        possibly-lost\t'bytes with pointers to their middle only' \
        still-reachable\t'bytes that pointers lead to' \
        lost-blocks\t'blocks definitely or indirectly lost' \
        definitely-lost-blocks\t'blocks that nothing points to' \
        indirectly-lost-blocks\t'blocks that only lost blocks point to' \
        possibly-lost-blocks\t'blocks with pointers to their middle only' \
        still-reachable-blocks\t'blocks that pointers lead to'
    printf '%s\n' $quantities growth\t'the same as peak-growth'
    string replace -r -- '\t.*' '-growth\twith --compare: by how much more' $quantities
end

# Files whose extension matches the regular expression $argv[1], then all others.
function __fish_allocptrace_analyze_files
    set -l files (__fish_complete_suffix (__fish_allocptrace_analyze_value) .cbor)
    string match -r "^.*\\.(?:$argv[1])\$" -- $files
    printf '%s\n' $files
end

set -l option complete -c allocptrace-analyze
$option -l leaks -a 'full\t"all kinds of blocks" summary\t"totals by kind" checks\t"all leak checks of the log" unfreed\t"what was alive at the end"' -d 'What a leak check found lost, or what was alive at the end'
$option -l leak-kinds -x -a '(__fish_append , definite indirect possible reachable all)' -d 'Kinds of blocks that are listed'
$option -l check -x -a 'last all' -d 'The leak check to be shown: its number or a word'
$option -l flamegraph -a '(__fish_complete_path (__fish_allocptrace_analyze_value))' -d 'Folded stacks, or an interactive flame graph in a .svg'
$option -l inverted -d 'Flame graph from the allocating functions to their callers'
$option -l view -x -a '(__fish_allocptrace_analyze_views)' -d 'Answer one question'
$option -l timeline -a '(__fish_complete_path (__fish_allocptrace_analyze_value))' -d 'The heap over time, as CSV, or a plot in a .svg or .html'
$option -l html -r -F -d 'A page with all of it, for a browser'
$option -l interval -x -d 'How many seconds a line of the timeline is'
$option -l tree -x -a 'top-down\t"callers and what they call" bottom-up\t"sites and their callers"' -d 'The stacks as a tree'
$option -l json -d 'All sites and totals, for programs'
$option -l export -x -a '(__fish_allocptrace_analyze_exports)' -d 'A file for another tool'
$option -l metric -x -a 'bytes\t"bytes asked for (default)" allocations\t"number of allocations" peak\t"bytes alive at the peak" leaked\t"bytes not freed" temporary\t"number of temporary allocations"' -d 'What tables, trees and flame graphs weigh'
$option -l filter -x -d 'Only sites whose function, module or file matches'
$option -l skip -x -d 'Functions, modules or files that are no sites'
$option -l min-count -x -d 'Only sites with so many allocations'
$option -l threshold-bytes -x -d 'Only sites with so many bytes'
$option -l min-share -x -d 'Frames of a tree that have at least so many percent of all'
$option -l limit -x -d 'At most so many; 0 for all'
$option -l sort-by -x -a 'count\t"number of allocations" size\t"bytes asked for" peak\t"bytes alive at the peak" leaked\t"bytes not freed" name\t"the name of the site" cumulative\t"bytes with callees"' -d 'Order of a table'
$option -l group-by -x -a 'function module file line\tdefault thread process' -d 'What is summed up as one site'
$option -s v -d 'Exact bytes; twice: whole paths; three times: whole stacks'
$option -l process -x -d 'Only the process of this id'
$option -l thread -x -d 'Only allocations by the thread of this id'
$option -l from -x -d 'Only allocations made from this second on'
$option -l older-than -x -d 'Of what is not freed only blocks that lived so many seconds'
$option -l to -x -d 'Stop at this second'
$option -l suppressions -r -F -d 'Leaks that are not to count'
$option -l no-builtin-suppressions -d "Count the C library's own memory, too"
$option -l gen-suppressions -d 'List leaks as suppressions'
$option -l save -r -F -d 'Keep the --json report with all stacks as a baseline'
$option -l compare -k -x -a '(__fish_allocptrace_analyze_files "cbor(?:\.zst)?|json")' -d 'What grew and shrank since a baseline'
$option -l color -x -a 'auto\t"on a terminal (default)" always never' -d 'When to colour'
$option -l fail-if -x -a '(__fish_allocptrace_analyze_quantities)' -d 'Exit with 1 if the expression is true'
$option -l warn-if -x -a '(__fish_allocptrace_analyze_quantities)' -d 'Only a warning if the expression is true'
$option -s h -l help -d 'Print the options and exit'
$option -l version -d 'Print the version and exit'

$option -k -x -a '(__fish_allocptrace_analyze_files "cbor(?:\.zst)?")'
