/*
 * The worker's lease (design, section 5): a worker with a job, the leader (and its successors),
 * and the worker that the job is given to next. Checked exhaustively:
 *
 *   run exclusivity     at no instant does the job run in two places
 *
 * The worker may read late or never, heartbeats may reach the log late or never, the leader may
 * be replaced at any time by one that has not read them yet. The job is killed when the lease is
 * over, whatever the worker's process does: its minder sees to it. The next worker starts at once.
 *
 *   1  the lease counts from reading the acknowledgement, not from sending the heartbeat
 *   2  the leader reassigns before member_timeout_ms
 *   3  the worker runs without a lease until it reads REMOVE_MEMBER
 *   4  a new leader does not count member_timeout_ms from its own beginning
 *   5  the acknowledgement names the last heartbeat written, not the last one read
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef TICKS
#define TICKS 6
#endif
#define WLEASE  2       /* worker_lease_ms, with the grace */
#define MEMBER  3       /* member_timeout_ms */
#define BEATS   2       /* heartbeats, at most */
#define RECORDS 3       /* leader records, at most */
#define NONE    15

byte now;

/* The heartbeat topic: when each was sent; and one that is on its way. */
byte sent[BEATS];
byte beats;
byte flying = NONE;     /* sent then */

/* The leader log: which heartbeats the writer had read, and whether it says REMOVE_MEMBER. */
byte acks[RECORDS];
bool removes[RECORDS];
byte top;

/* The worker. */
byte next;              /* it has read the leader log up to here */
byte lease = WLEASE;    /* its job runs until then */
bool removed;           /* it has read that the job is not its own */

/* The leader. */
byte readBeats;
byte heard;             /* when it read the last heartbeat, or began */
bool given;             /* the next worker runs the job */

#define runs (!removed && (now < lease || MUTANT == 3))

proctype worker() {
    byte r; byte until;
end:
    do
    /* A heartbeat is sent; it comes into its topic, or it does not. */
    :: d_step { flying == NONE && beats < BEATS && !removed -> flying = now }
    :: d_step { flying != NONE -> sent[beats] = flying; beats++; flying = NONE }
    :: d_step { flying != NONE -> flying = NONE }
    /* It reads the next record of the leader log. */
    :: d_step { next < top ->
        r = next;
        next++;
        if
        :: removes[r] -> removed = true
        :: !removes[r] && acks[r] > 0 ->
            until = (MUTANT == 1 -> now : sent[acks[r] - 1]) + WLEASE;
            if
            :: until > lease -> lease = until
            :: else
            fi
        :: else
        fi;
        r = 0; until = 0 }
    od
}

proctype leader() {
end:
    do
    :: d_step { readBeats < beats -> readBeats++; heard = now }
    :: d_step { top < RECORDS && !given ->
        acks[top] = (MUTANT == 5 -> beats : readBeats); top++ }
    /* The worker was not heard: its job is another's, behind REMOVE_MEMBER. */
    :: d_step { top < RECORDS && !given && (now >= heard + MEMBER || MUTANT == 2) ->
        acks[top] = readBeats; removes[top] = true; top++; given = true }
    /* Another leader, which may have read less. */
    :: d_step { !given && MUTANT != 4 -> heard = now; readBeats = 0 }
    :: d_step { !given && MUTANT == 4 -> heard = 0; readBeats = 0 }
    od
}

proctype clock() {
end:
    do
    :: now < TICKS -> now++
    od
}

proctype monitor() {
end:
    do
    :: atomic { given && runs -> assert(false) }
    od
}

init { atomic { run clock(); run worker(); run leader(); run monitor() } }
