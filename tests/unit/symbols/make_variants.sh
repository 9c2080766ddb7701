#!/bin/sh
# SPDX-License-Identifier: MIT
# make_variants.sh OBJCOPY STRIP XZ: stripped copies of ./named and ./named_dwarf4 with their debug
# information in the different places where packagers leave it.
set -e
objcopy=$1 strip=$2 xz=$3

# By build-id, below a root of its own.
"$objcopy" --only-keep-debug named named.debug
"$strip" -o named_stripped named
id=$("$objcopy" --dump-section .note.gnu.build-id=/dev/stdout named /dev/null |
    od -An -v -tx1 -j16 | tr -d ' \n')
start=$(printf %.2s "$id")
mkdir -p "root/usr/lib/debug/.build-id/$start"
cp named.debug "root/usr/lib/debug/.build-id/$start/${id#"$start"}.debug"

# By .gnu_debuglink, checked by its CRC, since this one has no build-id.
mkdir -p linked/.debug broken/.debug
"$objcopy" --only-keep-debug named_dwarf4 linked/.debug/named.debug
"$strip" -o linked/named named_dwarf4
"$objcopy" --add-gnu-debuglink=linked/.debug/named.debug linked/named
cp linked/named broken/named
cp linked/.debug/named.debug broken/.debug/named.debug
printf x >>broken/.debug/named.debug

# MiniDebugInfo: symbols only, inside the stripped file.
"$strip" --strip-debug -o mini named.debug
"$xz" -kf mini
"$strip" -o named_mini named
"$objcopy" --add-section .gnu_debugdata=mini.xz named_mini

# Names only, and cut off in the middle.
"$strip" --strip-debug -o named_symtab named
head -c 5000 named >named_cut
touch variants
