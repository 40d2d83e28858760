"""Of every error: what usually causes it, and what to do. docs/errors.md and `tally help CODE` print it; a test asks a line of each code."""

from __future__ import annotations

from typing import Final

REMEDIES: Final[dict[str, tuple[str, str]]] = {
    # files and formats
    "file-missing": ("a path is mistyped, or the file is of another account", "check the path, its owner and its permissions"),
    "file-exists": ("a command was run twice, or a folder is in use", "name another file or folder, or move the old one away"),
    "file-format": (
        "a file was renamed, cut off, or is of another kind",
        "give the file that the message names; end names of new files as it says",
    ),
    "file-permissions": (
        "a key was copied with open permissions, or is a link",
        "chmod 600 on the file, chmod 700 on its folder; name the file itself",
    ),
    "yaml-invalid": (
        "indentation, a repeated key, or a value such as a bare date",
        "correct the line that is named; put dates and codes in quotes",
    ),
    "document-invalid": ("a key is misspelled, missing or of another type", "compare the file with docs/configuration.md"),
    "document-too-large": ("a file is no document, or holds far too much", "shorten it; the message has the limit"),
    "document-version": ("a later version of the software wrote it", "install the version that wrote it"),
    # governance
    "signature-missing": ("a party has not signed yet", "let the party that is named sign this very text"),
    "signature-invalid": (
        "the text was changed after it was signed, or another key signed it",
        "fetch or sign it again; if it fails again, trust nothing of it",
    ),
    "agreement-unknown": (
        "the signed agreement was not given to this party, or is another version",
        "give it the file: --agreement, node.yaml, or the coordinator's folder",
    ),
    "agreement-unsigned": ("a party has not signed this version", "that party types: tally agreement sign"),
    "agreement-signature": (
        "a party's key changed, or somebody put another key in",
        "compare keys (tally node key) by telephone, then sign a corrected version",
    ),
    "agreement-expired": ("the period of the agreement is over, or has not begun", "sign a new version with another period"),
    "agreement-rollback": (
        "an older version was put in place of a newer one",
        "use the newest version; sign a changed text as the next version",
    ),
    "agreement-regime": (
        "a dataset or a column is tagged with a regime whose floors the agreement does not keep",
        "make the change that is named and sign the agreement again, or ask counsel whether the tag is right",
    ),
    "suspended": (
        "an agency stopped all jobs under the agreement, or over a dataset",
        "ask that agency; it goes on by: tally node resume",
    ),
    "tier-chain": (
        "a tier names another version or digest of the tier above it, or a document is missing or left over",
        "give exactly the documents that the license names, or sign the lower tier again under the new one: tally agreement bind",
    ),
    "tier-widens": (
        "a lower tier can only narrow",
        "say at most what the hint says, or sign a wider version of the higher tier",
    ),
    "tier-clause": ("a clause is left out", "write the clause that is named: tally agreement lint lists all"),
    "agreement-contradiction": ("two clauses do not fit together", "correct the clause that is named, and sign again"),
    "job-not-allowed": (
        "the question goes beyond the agreement",
        "ask as the hint says, or have the parties sign a wider version",
    ),
    "column-unused": ("a derived column is left over in the job file", "take it out of `derive`, or use it"),
    "job-invalid": (
        "a group, column or measure does not exist, or does not fit",
        "correct the key that is named; tally job check says what else stands against it",
    ),
    "job-signature": ("the profile's key is not the one that the agreement names", "submit from the analyst's own profile"),
    "job-expired": ("approvals or the work took longer than the deadline", "submit it again, with a later deadline"),
    "job-duplicate": ("the same question was submitted before and has not ended", "watch that job, or cancel it first"),
    "log-entry-unknown": ("the number or the size is larger than the log", "tally node log --limit 1 --after NUMBER"),
    "log-differs": (
        "the log was changed after its agency told others of it, or its agency went on from a restored backup",
        "keep log and heads as they are, and ask the agency; `restored` in its log says when it went on",
    ),
    "job-unknown": ("digits are mistyped, or the job is another analyst's", "tally job list --all"),
    "job-state": (
        "the job has ended already, or is not so far",
        "tally job watch shows its state; submit it again if its result is no longer kept",
    ),
    "policy-refuses": ("the agency's own policy is narrower than the agreement", "ask as its hints say, or ask the agency"),
    "steward-refuses": (
        "a person at the agency decided against it",
        "ask the steward: the job shows the class of the refusal, the reason stays at the agency",
    ),
    "destruction-invalid": (
        "it is about another version, was signed by another key, or says a day that was to come",
        "let its signer write it again for this agreement: tally agreement destroyed",
    ),
    "review-missing": (
        "the copy was not given to a reviewer, or the reviewer's signed word was not added",
        "tally node review JOB tells who is waited for; add words with --add, or wait until the days are over",
    ),
    "review-objected": (
        "the license asks for the reviewer's consent",
        "talk with the reviewer; refuse the result (tally node refuse) or add a new word that accepts it",
    ),
    "review-invalid": (
        "it was signed for another candidate, by another key, or was changed since",
        "give the reviewer the present copy (tally node review JOB --out FILE), and let it be signed again",
    ),
    "approval-missing": (
        "somebody whose approval is needed has not decided",
        "the party that is named decides: tally node approve, tally job approve",
    ),
    "approval-invalid": ("the approval is too old, or was made for another job", "approve again; set the signer's clock right"),
    "release-direct": (
        "the job or agreement says release: direct, and a rule would have to hide numbers after they are opened",
        "say release: desk, or let the agreement have gate and cohorts, under cms or min_cell",
    ),
    "sum-too-large": (
        "declared bounds are far wider than the values are",
        "declare narrower bounds, fewer digits after the point, or fewer rows_per_person",
    ),
    "table-too-large": ("too many levels or columns are crossed", "ask by fewer columns or levels, or two questions"),
    "table-overlaps": (
        "a table of the same people by other columns or periods was answered",
        "ask by the same columns and periods as before, or with a gate by fewer columns; ask for the finest table first",
    ),
    "link-impossible": ("the lists have no identifiers in common", "declare more identifiers, or agree on other recipes"),
    "link-weak": ("a recipe fits many people", "add a field: a date, part of a number, a name"),
    "link-word": ("the agreement's word (such as no-twins) is not true of this list", "leave the word out of the agreement"),
    "linkage-outgrown": (
        "the list grew, or was counted before it changed",
        "count again (tally node linkage), and agree on the new numbers",
    ),
    "link-invalid": ("a recipe is mistyped", "docs/linkage.md has the fields and the form"),
    "triple-differs": (
        "results of different questions were put side by side",
        "give results that differ in their ladder alone",
    ),
    "linkage-differs": (
        "two parties run different versions of the software",
        "install one version everywhere, and submit again",
    ),
    # consents and requests
    "consent-incomplete": (
        "a key of the draft is empty that the form needs",
        "fill in what is named, and run the command again; another form may fit better",
    ),
    "consent-invalid": (
        "a name is misspelled, or the consent was written for another agency, purpose or agreement",
        "read it: tally consent show FILE; take a new consent where this one does not cover what is asked",
    ),
    "record-not-allowed": (
        "the agreement offers no such fields to this agency, role or purpose, or the clock is wrong",
        "read the section `records` of the agreement: tally agreement show FILE --format json",
    ),
    # records
    "source-missing": (
        "the path in node.yaml is wrong, or the export did not run",
        "the agency's IT checks path, permissions and the last export",
    ),
    "source-role": ("the database role may write, or may not read", "make a role that has SELECT on the table alone"),
    "source-lost": ("the database is down or restarts", "try again when it is up; tally node check"),
    "source-columns": (
        "the export's header changed, or a separator is another",
        "correct the declaration or the export; tally data scan FILE shows the header",
    ),
    "source-types": (
        "an export writes a value in another form",
        "tally node check shows which rows and forms; declare the form, or correct the records",
    ),
    "source-bounds": (
        "values grew beyond the declaration, or are typing errors",
        "correct the records, or agree on wider bounds",
    ),
    "source-people": ("the list grew, or the person key is wrong", "check the key, or agree on a larger number"),
    "source-unusable": ("an identifier is empty or in a new form", "tally node check says why values cannot be used"),
    "source-large": (
        "the node may not take enough memory for the list",
        "raise max_memory_mib in node.yaml, or the limit of its container",
    ),
    "source-changed": ("the records were loaded anew while a job ran", "submit the question again; load records between jobs"),
    "answers-forgotten": (
        "answers are deleted after the period that node.yaml says",
        "ask by other columns, or about other people",
    ),
    "asked-before": (
        "a direct result and another table would be of the same people",
        "ask one table by all columns at once; release: desk where the same people are asked about again",
    ),
    "cohort-too-close": (
        "a condition adds or leaves out few people, or parts people whose parts were asked for before",
        "use the people of the earlier job word for word, or ask one table by the column that tells them apart",
    ),
    "budget-spent": (
        "many jobs, or large tables, were asked over the dataset; or as many jobs with noise as the agreement's privacy loss is for",
        "ask for a smaller table, or let the parties sign a new version of the agreement",
    ),
    "noise-unfit": (
        "the agreement adds noise to every number, and how far one person moves this one is not known, or too far",
        "ask for counts, sums, means and shares of one agency's people, or two agencies' by at most eight named recipes",
    ),
    "too-few": ("a condition leaves fewer people than the agreement's least", "ask about more people"),
    "source-varies": (
        "a person has several rows with different values",
        "narrow where to one row a person, or derive: min, max, sum, count",
    ),
    "where-invalid": (
        "a function or comparison that conditions may not use",
        "compare columns with values; docs/configuration.md lists what is allowed",
    ),
    # network and parties
    "not-allowed": (
        "the caller has another role, or is no party of the job",
        "use the membership of the party that the message names",
    ),
    "not-enrolled": (
        "no invitation was used, or the certificate ended or was revoked",
        "ask the operator for an invitation, then join",
    ),
    "invite-invalid": ("an invitation was used, is too old, or is another party's", "ask the operator for a new one"),
    "unavailable": (
        "a party is down, restarts, or is cut off",
        "start it; commands that ask by themselves go on when it is back",
    ),
    "name-unknown": ("the host is mistyped, or this machine has no DNS for it", "check the address in the configuration"),
    "port-closed": ("the coordinator does not run, or listens at another port", "start it; compare the port"),
    "unreachable": ("a firewall drops the connection", "let this machine out to the coordinator's address and port"),
    "proxy": ("a proxy does not allow CONNECT to that port", "allow it, or name the coordinator in no_proxy"),
    "not-tls": ("another service answers there, or a proxy opens TLS", "check the port; exempt the address from inspection"),
    "authority-differs": (
        "the network was made anew, or the address is another network's",
        "check the address; join with a new invitation",
    ),
    "identity-differs": ("a folder was copied from another party", "join with an invitation of your own"),
    "certificate-dates": ("the party was off for longer than a certificate lasts", "join with a new invitation"),
    "cluster-address": ("an address without TLS, or a typing mistake", "write workers: tls://HOST:PORT; see docs/cluster.md"),
    "cluster-lost": (
        "the scheduler or all workers are down, or their certificates are of another authority than the node's file",
        "start them and compare the files; see docs/cluster.md; then submit the question again",
    ),
    "cluster-unfit": (
        "workers of another release, without TLS, or that may write to disk; or the network's authority signs for the cluster",
        "set it up as docs/cluster.md says",
    ),
    "clock": ("a machine's clock is wrong", "set it, and keep it set (NTP)"),
    "busy": ("many calls come at once", "wait; programs call again by themselves"),
    "too-large": (
        "a list, job or message is over a limit of the coordinator",
        "ask for less, or ask the operator about limits in coordinator.yaml",
    ),
    "protocol-broken": (
        "another party runs other software, or misbehaves",
        "the parties compare versions and logs before they go on",
    ),
    "links-altered": (
        "the coordinator's matching does not fit what the nodes sent",
        "do not repeat the job; the parties look at the coordinator",
    ),
    "cells-contradict": ("an agency sealed numbers that cannot be", "the agencies compare their software and logs"),
    "party-restarted": ("a node restarted in the middle of a job", "nothing: the coordinator begins another attempt"),
    "attempt-opened": ("the job broke off after its desk began to open it", "submit the question again as a new job"),
    "attempts-differ": (
        "records changed between two attempts, or the coordinator gave different people",
        "find out which; then submit it again as a new job",
    ),
    "stalled": ("a party is on, and does not work", "look at that party's log; tally job watch names it"),
    "attempts-used": ("a party restarts again and again, or the connection breaks", "find out why, then submit it again"),
    "version-mismatch": ("one party was upgraded and another was not", "install one version everywhere"),
    "state-corrupt": ("a disk or a copy damaged the state", "restore a backup: docs/operation.md"),
    "state-version": (
        "the software was upgraded or rolled back, and the database was not",
        "tally coordinator database upgrade, or install the other version",
    ),
    "state-restored": (
        "a backup was put back over a newer state",
        "put the newest state back; if it is gone: tally node accept-restored, tally coordinator accept-restored",
    ),
    "second-process": (
        "a service was started twice, or a machine was cloned",
        "end one; if the other is not yours, have the certificate revoked",
    ),
    "disk": ("a disk is full, or fails", "make room, or replace it"),
    "read-only": ("a folder is mounted read-only, or of another account", "make it writable for the account of the service"),
    "descriptors": ("the limit of open files is too low", "raise it (LimitNOFILE), and restart"),
    "memory": (
        "the machine or container is too small for the job",
        "give it more, or declare fewer people; docs/benchmarks.md has figures",
    ),
    "internal": ("a mistake of ours", "keep the log, and report it with the version; tally doctor"),
}
"""Of each code: what usually causes it, and what to do. docs/errors.md and `tally help CODE` show it."""
