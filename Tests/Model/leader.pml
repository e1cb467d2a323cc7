/*
 * The leader log's referee and lease (design, section 3), for three nodes and a reliable log.
 *
 * Time is discrete, and one tick is long enough for anything to happen within it. Each node has
 * a clock of its own only in so far as it acts late: a node may stand still for any time (it
 * simply takes no step), records may be read late, and a record that was written may reach the
 * log late. Checked exhaustively:
 *
 *   election safety     a term has one holder, for all who have read as far
 *   lease exclusivity   at no instant do two nodes lead
 *
 * `spin -DMUTANT=n` breaks one rule; `Tests/Model/run` expects spin to refute each.
 *
 *   1  a winner does not wait for its predecessor's lease
 *   2  the lease counts from reading a record back, not from sending it
 *   3  a claim for the present term is valid as well
 *   4  a holder leads on after it has read that it was deposed
 *   5  a leader writes RESIGN first and stops leading later
 *   6  a node claims without any timeout, and does not wait
 */
#ifndef MUTANT
#define MUTANT 0
#endif

#define N       3
#define LEASE   2       /* ticks */
#define TIMEOUT 3       /* LEASE plus a margin: a follower may claim then */
#ifndef RECORDS
#define RECORDS 2       /* records in the log behind the first claim, at most */
#endif
#ifndef TICKS
#define TICKS   5       /* the end of time */
#endif
#define NOBODY  3

#define CLAIM  0
#define NOOP   1
#define RESIGN 2

/* The log: one total order. */
byte kind[RECORDS];
byte term[RECORDS];
byte who[RECORDS];
byte sent[RECORDS];
byte top;               /* records in it */

byte now;

/* What each node knows. */
byte next[N];           /* it has read so far */
byte tenure[N];         /* term */
byte holder[N];
bool over[N];           /* resigned */
byte heard[N];          /* when it read the last valid record */
byte lease[N];          /* its own lease */
byte mayLead[N];        /* the present holder may lead until then, as seen from here */
byte formers[N];        /* and all before it */
bool leaving[N];        /* it has stopped leading, to resign */

/* A record on its way to the log: one per node. */
bool under_way[N];
byte w_kind[N];
byte w_term[N];
byte w_sent[N];

/* Who claimed a term first in the log. */
byte first[8];

#define leads(i) (holder[i] == i && !over[i] && !leaving[i] && now < lease[i] && \
                  (MUTANT == 1 || MUTANT == 6 || now >= formers[i]))

inline write(i, k, t) {
    under_way[i] = true;
    w_kind[i] = k;
    w_term[i] = t;
    w_sent[i] = now
}

/* Section 3's table. Sets `valid` and `new`. */
inline judge(i, r) {
    valid = false;
    fresh = false;
    if
    :: kind[r] == CLAIM && (term[r] > tenure[i] || (MUTANT == 3 && term[r] == tenure[i])) ->
        valid = true; fresh = true
    :: kind[r] != CLAIM && term[r] > tenure[i] -> valid = true; fresh = true
    :: kind[r] != CLAIM && term[r] == tenure[i] && who[r] == holder[i] && !over[i] -> valid = true
    :: else
    fi
}

inline read(i) {
    r = next[i];
    next[i] = r + 1;
    judge(i, r);
    if
    :: fresh && !(MUTANT == 4 && holder[i] == i) ->
        formers[i] = (formers[i] > mayLead[i] -> formers[i] : mayLead[i]);
        mayLead[i] = 0;
        lease[i] = 0;
        leaving[i] = false;
        tenure[i] = term[r];
        holder[i] = who[r];
        over[i] = false
    :: else
    fi;
    if
    :: valid ->
        heard[i] = now;
        if
        :: who[r] == i && MUTANT == 2 -> lease[i] = now + LEASE
        :: who[r] == i && MUTANT != 2 && sent[r] + LEASE > lease[i] ->
            lease[i] = sent[r] + LEASE
        :: who[r] != i -> mayLead[i] = now + LEASE
        :: else
        fi;
        if
        :: kind[r] == RESIGN ->
            over[i] = true;
            mayLead[i] = 0;
            lease[i] = 0
        :: else
        fi
    :: else
    fi;
    r = 0; valid = false; fresh = false
}

inline append(i) {
    kind[top] = w_kind[i];
    term[top] = w_term[i];
    who[top] = i;
    sent[top] = w_sent[i];
    if
    :: w_kind[i] == CLAIM && first[w_term[i]] == NOBODY -> first[w_term[i]] = i
    :: else
    fi;
    top++;
    under_way[i] = false;
    w_kind[i] = 0; w_term[i] = 0; w_sent[i] = 0
}

proctype node(byte i) {
    byte r; bool valid; bool fresh;
end:
    do
    /* Reads the next record, whenever it likes. */
    :: d_step { next[i] < top -> read(i) }
    /* Its record comes into the log, whenever it likes; or never. */
    :: d_step { under_way[i] && top < RECORDS -> append(i) }
    :: d_step { under_way[i] -> under_way[i] = false; w_kind[i] = 0; w_term[i] = 0; w_sent[i] = 0 }
    /* The holder announces, leading or not yet. */
    :: d_step {
        !under_way[i] && top < RECORDS && holder[i] == i && !over[i] && !leaving[i] ->
            write(i, NOOP, tenure[i]) }
    /* The leader leaves: it stops, then it says so. */
    :: d_step {
        !under_way[i] && top < RECORDS && holder[i] == i && !over[i] && !leaving[i] ->
            leaving[i] = (MUTANT != 5); write(i, RESIGN, tenure[i]) }
    /* A follower that has heard nobody for long, or a resignation, claims. A campaign only
       decides who does: here anybody may. */
    :: d_step {
        !under_way[i] && top < RECORDS && (holder[i] != i || over[i]) &&
        (over[i] || now >= heard[i] + TIMEOUT || MUTANT == 6) ->
            write(i, CLAIM, tenure[i] + 1) }
    od
}

proctype clock() {
end:
    do
    :: now < TICKS -> now++
    od
}

#define agrees(i) (tenure[i] == 0 || first[tenure[i]] == holder[i])

/* The properties, in every state. */
proctype monitor() {
end:
    do
    :: atomic { !(agrees(0) && agrees(1) && agrees(2)) -> assert(false) }
    :: atomic {
        (leads(0) && leads(1)) || (leads(0) && leads(2)) || (leads(1) && leads(2)) ->
            assert(false) }
    od
}

init {
    d_step {
        byte k;
        for (k : 0 .. N - 1) { holder[k] = NOBODY }
        for (k : 0 .. 7) { first[k] = NOBODY }
        k = 0;
        /* Node 0 has been elected, all have read it, and it is the first tick of its lease:
           which of three like nodes came first does not matter. */
        for (k : 0 .. N - 1) {
            tenure[k] = 1;
            holder[k] = 0;
            mayLead[k] = (k == 0 -> 0 : LEASE)
        }
        lease[0] = LEASE;
        first[1] = 0;
        k = 0
    }
    atomic { run clock(); run monitor(); run node(0); run node(1); run node(2) }
}
