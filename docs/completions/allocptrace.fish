# fish completion for allocptrace(1)
# SPDX-License-Identifier: MIT

# The words of the program's command line, if it has begun: all that is behind the options.
function __fish_allocptrace_program
    set -l words (commandline -opc) (commandline -ct)
    argparse -s o/output= p/pid= duration= follow-fork= allocator= mmap depth= no-timestamps \
        free-stacks leak-check= leak-when= leak-interval= leak-roots= leak-snapshot= cpu= stats 'verify-unwind=?' unwind= q/quiet v/verbose h/help version \
        -- $words[2..] 2>/dev/null
    or return 1
    # The last word may still be an option of our own; what follows '--' may not.
    set -q argv[1]
    and begin
        contains -- -- $words[2..-2]
        or not string match -q -- '-*' $argv[1]
    end
    and string join0 -- $argv
end

function __fish_allocptrace_no_program
    not __fish_allocptrace_program >/dev/null
end

function __fish_allocptrace_complete_program
    set -l words (__fish_allocptrace_program | string split0)
    complete -C (string join ' ' (string escape -- $words[1..-2]) $words[-1])
end

set -l option complete -c allocptrace -n __fish_allocptrace_no_program
$option -s p -l pid -x -a '(__fish_complete_pids)' -d 'Attach to a running process'
$option -l duration -x -d 'Stop tracing after so many seconds; the program goes on'
$option -l follow-fork -x -a 'yes\t"the default" no\t"let them go untouched"' -d 'Trace child processes too'
$option -l allocator -x -d "Also trace a function of the program's own"
$option -l mmap -d 'Also trace mmap, munmap, mremap and brk'
$option -s o -l output -r -F -d 'The log; compressed if its name ends in .zst'
$option -l depth -x -d 'Most frames kept for a stack'
$option -l no-timestamps -d 'Leave times out: a smaller log'
$option -l free-stacks -d 'Record the stacks of frees, too'
$option -l leak-check -x -a 'live\t"all that is never freed (default)" reachable\t"what the program can no longer reach" none\t"the same as live"' -d 'Which blocks count as leaks'
$option -l leak-when -x -a '(__fish_append , exit end fatal none)' -d 'When a program that ends is checked for leaks'
$option -l leak-interval -x -d 'Check for leaks this often as well'
$option -l leak-roots -x -a '(__fish_append , registers stacks globals tls mappings)' -d 'Where pointers are looked for'
$option -l leak-snapshot -x -a 'auto\t"a copy or, without one, itself (default)" fork\t"a copy" stop\t"itself, held meanwhile"' -d 'What is read of a program that goes on'
$option -l cpu -x -a 'auto\t"busy ones (default)" share\t"all of them" free\tnone' -d 'Which threads share a core with the tracer'
$option -l stats -d "Print the tracer's own counters at the end"
$option -l verify-unwind -d "Compare every Nth stack with libdwfl's unwind"
$option -l unwind -x -a 'rows\t"unwind rules cached by address (default)" walk\t"libdwfl for each stack"' -d 'How stacks are unwound'
$option -s q -l quiet -d 'Print nothing but errors'
$option -s v -l verbose -d 'Print what is found and traced'
$option -s h -l help -d 'Print the options and exit'
$option -l version -d 'Print the version and exit'

complete -c allocptrace -x -a '(__fish_allocptrace_complete_program)'
