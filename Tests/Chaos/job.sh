#!/bin/sh
# What ops run: job.sh FOLDER NODE WHAT.
#
# Descriptor 9 holds the lock of the request, in this process and all that it starts: whoever finds
# it taken is the second one to run the request, and it is the kernel who says so.
lock=$1/locks/$SCRAP_REQUEST_ID
read -r now _ </proc/uptime
me="$now n$2 $SCRAP_REQUEST_ID attempt $SCRAP_ATTEMPT term $SCRAP_TERM pid $$ $3"
exec 9>>"$lock"
flock -n 9 || echo "$me, while there runs: $(tail -n 1 "$lock")" >>"$1/twice"
echo "$me" >&9
echo "$me" >>"$1/jobs"
case $3 in
quick) ;;
short) sleep "$SCRAP_PARAM_S" ;;
fail) exit 3 ;;
flaky) [ "$SCRAP_ATTEMPT" -gt 1 ] ;;
overrun) sleep 600 ;;
stubborn)
    trap '' TERM
    sleep 600
    ;;
# It ends, and leaves one behind that does not care for SIGTERM.
forks) (trap '' TERM; exec sleep 600) & ;;
# It leaves its process group: see Tests/README.md.
escape) setsid sleep 5 & ;;
esac
