# SPDX-License-Identifier: MIT
# read_valgrind_xml.pl FILE: the errors of a memcheck XML file as Test::Valgrind's parser reads them
# (Debian's libtest-valgrind-perl), a line of JSON for each.
use strict;
use warnings;
use JSON::PP;
use Test::Valgrind::Parser::XML::Twig;
use Test::Valgrind::Tool::memcheck;

# What the parser asks of the session that it is part of.
package Session;
sub new { bless {}, shift }
sub report_class { 'Test::Valgrind::Tool::memcheck::Report' }

sub report {
 my ($self, $report) = @_;
 my $line = { kind => $report->kind, id => $report->id, %{$report->data} };
 print JSON::PP->new->canonical->ascii->encode($line), "\n";
}

package main;
open my $file, '<', $ARGV[0] or die "$ARGV[0]: $!";
my $session = Session->new;
my $parser = Test::Valgrind::Parser::XML::Twig->new;
$parser->start($session);
$parser->parse($session, $file);
$parser->finish($session);
