"""The catalogue of errors: a stable code, what the outside may read, and what stays in our own log.

    TallyError                     code, message, hint, detail
    ├── Refused                    a rule says no: whose rule, and the smallest change that would pass
    ├── Invalid                    the input is malformed or contradicts itself
    ├── NotReady                   later, perhaps: wait, or restart what is down
    └── Broken                     a party broke the protocol, or we did

`message` and `hint` travel to other parties and never hold data; `detail` goes to the local log only and never holds data either
(column names and counts, no values). docs/errors.md is generated from `CATALOGUE` and the remedies (`remedies.py`).
"""

from __future__ import annotations

from typing import Final


class TallyError(Exception):
    """Root of what Tallystick raises on purpose.

    Attributes:
        code: stable, from `CATALOGUE`.
        message: public, one sentence.
        hint: the smallest change that would pass, or "".
        detail: for the local log only.
    """

    def __init__(self, code: str, message: str, *, hint: str = "", detail: str = "") -> None:
        if code not in CATALOGUE:
            raise AssertionError(f"unknown error code {code}")
        super().__init__(f"{message} [{code}]" + (f" ({hint})" if hint else ""))
        self.code = code
        self.message = message
        self.hint = hint
        self.detail = detail


class Refused(TallyError):
    """A rule says no."""


class Invalid(TallyError):
    """The input is malformed or contradicts itself."""


class NotReady(TallyError):
    """The answer may be different later."""


class Broken(TallyError):
    """A party broke the protocol, or we did."""


CATALOGUE: Final[dict[str, str]] = {
    # files and formats
    "file-missing": "a file that is named does not exist or cannot be read",
    "file-exists": "a file that would be written exists; keys and documents are never overwritten",
    "file-format": "a file is not of the format that its name or place promises",
    "file-permissions": "a secret file is readable by others, or is a symbolic link",
    "yaml-invalid": "a YAML file is malformed, repeats a key, or uses a type other than JSON's",
    "document-invalid": "a document does not fit its model: unknown, missing or wrong keys",
    "document-too-large": "a document is longer than its limit",
    "document-version": "a document is of a version that this software does not know",
    # governance
    "signature-missing": "a document is not signed by a party that should have signed it",
    "signature-invalid": "a signature on a document is not that of the key it should be",
    "agreement-unknown": "no agreement of that name and digest is known here",
    "agreement-unsigned": "an agreement lacks the signature of a party",
    "agreement-signature": "a signature on an agreement is not that of the key it names",
    "agreement-expired": "an agreement is not valid at this time",
    "agreement-rollback": "an agreement is older than one already seen",
    "agreement-regime": "an agreement or a job lacks what a law asks of data that are tagged with it",
    "agreement-contradiction": "an agreement contradicts itself",
    "suspended": "an agency has suspended the agreement, or withdrawn its dataset",
    "tier-chain": "a memorandum, sharing agreements and a license do not belong together",
    "tier-widens": "a lower tier allows what a tier above it does not",
    "tier-clause": "a tier lacks a clause that its guide asks for",
    "job-not-allowed": "the agreement does not allow this job",
    "column-unused": "a job under a license asks for a column that its answer does not need",
    "job-invalid": "a job contradicts itself or the agreement's datasets",
    "job-signature": "a job is not signed by its analyst's key",
    "job-expired": "a job is past its deadline",
    "job-duplicate": "the same question is already being answered",
    "job-unknown": "no job of that name is known here, or it is not yours to see",
    "log-entry-unknown": "a log has no entry of that number, or not yet",
    "job-state": "a job is not in a state that allows this",
    "policy-refuses": "the agency's local policy does not allow this job",
    "steward-refuses": "a steward of the agency refused this job",
    "destruction-invalid": "a certificate of destruction does not count, or is about another agreement",
    "review-missing": "a reviewer whom the agreement names has not accepted a result, and the days to review it are not over",
    "review-objected": "a reviewer objects to a result, and the agreement says that this stops it",
    "review-invalid": "a reviewer's word, or the copy that it is about, does not count",
    "approval-missing": "an approval that the agreement asks for is missing",
    "approval-invalid": "an approval is expired, forged, or for another job",
    "release-direct": "the result cannot be released direct: something of it would have to be hidden after it is opened",
    "sum-too-large": "a sum could exceed what the encrypted computation can hold",
    "table-too-large": "a question asks for more rows or products than a job may have",
    "table-overlaps": "a table of the same people was opened before that crosses this one",
    "noise-unfit": "noise for differential privacy does not go with what is asked",
    "link-impossible": "no linkage pass can be made from the identifiers of both datasets",
    "link-weak": "a linkage recipe says too little about a person",
    "link-word": "a list holds people whom a word of the agreement's link says that it does not hold",
    "linkage-outgrown": "a list holds more look-alikes than its dataset's declaration says",
    "link-invalid": "a linkage recipe is malformed or names an unknown field",
    "triple-differs": "results that are put side by side are not of one question under different ladders",
    "linkage-differs": "a job was asked with other linkage passes than this party works out for it",
    # consents and requests
    "consent-incomplete": "a consent lacks an element that its form asks for",
    "consent-invalid": "a consent does not allow this, or is not one under this agreement",
    "record-not-allowed": "the agreement does not allow this request for a client's fields",
    # records
    "source-missing": "a dataset's source does not exist or cannot be read",
    "source-role": "the role that reads a dataset's source in a database may do more than read, or may not read it",
    "source-lost": "the database of a dataset's source cannot be reached, or broke off",
    "source-columns": "a dataset's source lacks a declared column",
    "source-types": "a dataset's source holds a value that is not of the declared type",
    "source-bounds": "a dataset's source holds a value outside the declared bounds",
    "source-people": "a dataset's source holds more people than the dataset is declared for",
    "source-unusable": "fewer values of an identifier can be used than the dataset's declaration asks for",
    "source-large": "a dataset's source does not fit the memory that the node allows",
    "source-changed": "a dataset's records changed after a share over them was released",
    "answers-forgotten": "earlier answers of a question were deleted when their time was over, so it is not answered again",
    "asked-before": "the people of a job were counted before, and a direct result allows no second table of them",
    "cohort-too-close": "an agency's people in a job differ too little from what earlier jobs selected",
    "budget-spent": "the cells that an agreement allows over a dataset, or the privacy loss that it allows, are used up",
    "too-few": "an agency has fewer people for a job than the agreement asks for",
    "source-varies": "a column varies within a person and is not derived",
    "where-invalid": "a where condition is not an allowed expression",
    # network and parties
    "not-allowed": "the caller may not do this",
    "not-enrolled": "the caller has no certificate of this network",
    "invite-invalid": "an invitation is unknown, used, or expired",
    "unavailable": "a party cannot be reached",
    "name-unknown": "the coordinator's host has no address that is known here",
    "port-closed": "nothing listens at the coordinator's port",
    "unreachable": "the coordinator's address does not answer, or the connection is cut off",
    "proxy": "a proxy does not let the connection through",
    "not-tls": "what answers at the coordinator's address does not speak TLS 1.3",
    "authority-differs": "one end's certificate is of another authority than the network's",
    "identity-differs": "a certificate here names another party than the configuration",
    "certificate-dates": "a certificate has ended",
    "cluster-address": "what node.yaml says of where heavy work is done is neither a number nor tls://HOST:PORT",
    "cluster-lost": "the cluster that does a node's heavy work cannot be reached, or has no worker",
    "cluster-unfit": "the cluster that does a node's heavy work, or a worker of it, is not set up as it must be",
    "clock": "a certificate is not valid by this machine's clock",
    "busy": "a party takes no more calls at the moment: the same call passes later",
    "too-large": "a message or stream is over its limit",
    "protocol-broken": "a party broke the protocol",
    "links-altered": "rows that must be linked are not, or others are linked with them: nothing is sealed",
    "cells-contradict": "the numbers that agencies sealed cannot all be true: nothing is released",
    "party-restarted": "a party restarted and its keys for this attempt are gone",
    "attempt-opened": "the shares of an attempt of the job were opened, so no other attempt of it may run",
    "attempts-differ": "two attempts of one job give different numbers: nothing is released",
    "stalled": "nobody made progress in a job for too long",
    "attempts-used": "the job was attempted as often as is allowed",
    "version-mismatch": "two parties speak different versions of the protocol",
    "log-differs": "a node's log is not the one that its agency told others of, or its file was changed",
    "state-corrupt": "stored state cannot be read",
    "state-version": "stored state is of another version of this software",
    "state-restored": "stored state is older than what was already done with it: it was restored from a backup",
    "second-process": "another process works with the same state or identity",
    "disk": "a disk is full or failed",
    "read-only": "a party cannot write to its own files",
    "descriptors": "a party has no file descriptors left",
    "memory": "a party has no memory left",
    "internal": "a fault of this software",
}
