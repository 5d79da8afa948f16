#!/bin/sh
# Searches the models: those of the engine must hold in every state that can be reached, and each mutant, which
# lacks one safeguard, must be found at fault.  With "quick" only the small ones: one kill, and most mutants.
# Prints a line a search; a search that was cut short, by depth or by memory, is no proof and counts as failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
size=${1:-full}
memory=${MODEL_MEMORY:-4000} # MB, at most
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
searches=0 failed=0

command -v spin >/dev/null || { echo "models: spin is not installed"; exit 1; }

field() { # field PATTERN: the number that stands before it in what the search has printed
	sed -n "s/^ *\([0-9.e+]*\) $1.*/\1/p" "$work/pan.out" | head -n 1 | awk '{ printf "%.0f", $1 }'
}

search() { # search KIND MODEL FLAG...: KIND is holds, ends, or mutant
	kind=$1 model=$2
	shift 2
	searches=$((searches + 1))
	mode='-DSAFETY -DNOFAIR' options=''
	[ "$kind" = ends ] && mode='-DNP -DNOFAIR' options='-l'
	# shellcheck disable=SC2086 # options are words
	(cd "$work" && rm -f ./*.trail && spin -a "$@" "$here/$model.pml" >spin.out 2>&1 &&
		${CC:-cc} -O1 -w $mode -DCOLLAPSE -DMEMLIM="$memory" -o pan pan.c &&
		./pan -m1000000 -w22 $options >pan.out 2>&1)
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$work/pan.out" 2>/dev/null | head -n 1)
	cut=''
	grep -qE 'Search not completed|max search depth too small|out of memory|memory limit' "$work/pan.out" && cut='cut'
	result=FAILED
	case $kind:${errors:-none}:$cut in
	holds:0: | ends:0:) result=$kind ;;
	mutant:[1-9]*:*) result='found' ;;
	*:*:cut) result='CUT SHORT' ;;
	esac
	case $result in
	FAILED | CUT*) failed=$((failed + 1)) ;;
	esac
	depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' "$work/pan.out" | head -n 1)
	time=$(sed -n 's/.*elapsed time \([0-9.]*\) .*/\1/p' "$work/pan.out" | head -n 1)
	printf '%-6s %-50s %10s %11s %6s %6s  %s\n' "$model" "$*" "$(field 'states, stored')" "$(field transitions)" \
		"${depth:--}" "${time:--}" "$result"
	rm -f "$work/pan.out"
}

full() { [ "$size" = quick ] || search "$@"; }

printf '%-6s %-50s %10s %11s %6s %6s  %s\n' model parameters states transitions depth s result

# One kill, unless it says K=2.
search holds claim -DCHUNKS=2 -DLONG=1
full holds claim -DCHUNKS=3 -DLONG=1
full holds claim -DCHUNKS=3 -DSHARED -DTURNS -DLONG=1
search holds bell
search holds pins -DCHUNKS=1
search holds sleep -DITEMS=1
search holds doom -DCHUNKS=1
search holds cancel -DCHUNKS=1
full holds claim -DCHUNKS=4
full holds claim -DCHUNKS=4 -DTURNS
full holds claim -DCHUNKS=4 -DSHARED -DTURNS -DLONG=0 -DPERMITS=0
full holds claim -DCHUNKS=5 -DLONG=2
full holds claim -DCHUNKS=2 -DLEN=2
full holds claim -DCHUNKS=2 -DLEN=1 -DCANCEL
full holds bell -DSTOP
full holds pins -DCHUNKS=2
full holds sleep -DITEMS=2 -DLONG -DSPURIOUS=1
full holds sleep -DITEMS=2 -DFORKS_MAY_FAIL
full holds doom -DCHUNKS=2
full holds cancel -DCHUNKS=2
full holds claim -DCHUNKS=2 -DK=2
full holds claim -DCHUNKS=2 -DK=2 -DSLOTS=1
full holds claim -DCHUNKS=1 -DLEN=3 -DK=2 -DSLOTS=1
full holds bell -DK=2
full holds pins -DCHUNKS=1 -DK=2
full holds sleep -DITEMS=1 -DK=2 -DLONG
full holds doom -DCHUNKS=1 -DK=2
full holds cancel -DCHUNKS=1 -DK=2

# No run is endless: there is no cycle of states.
search ends bell -DCHUNKS=2
full ends claim -DCHUNKS=1
full ends pins -DCHUNKS=1
full ends sleep -DITEMS=1 -DSPURIOUS=1
full ends doom -DCHUNKS=1
full ends cancel -DCHUNKS=1

for mutant in NO_ANNOUNCE NO_CLAIMING CLAIM_IN_TWO_STEPS FORK_BEFORE_RECOVERY; do
	search mutant claim -DCHUNKS=2 -DMUTANT_$mutant
done
search mutant claim -DCHUNKS=1 -DLEN=2 -DMUTANT_POSITION_BEFORE_FAILURE
search mutant claim -DCHUNKS=1 -DLEN=2 -DMUTANT_FAILURE_NOT_IN_POSITION
search mutant claim -DCHUNKS=5 -DLONG=2 -DMUTANT_STOLEN_NOT_SAID
search mutant claim -DCHUNKS=5 -DLONG=2 -DMUTANT_STOLEN_LOST
search mutant claim -DCHUNKS=4 -DSHARED -DLONG=0 -DPERMITS=0 -DMUTANT_LEAVES_FOR_GOOD
search mutant claim -DCHUNKS=1 -DLEN=3 -DK=2 -DSLOTS=1 -DMUTANT_VERSION_NOT_COMPARED
full mutant claim -DCHUNKS=2 -DK=2 -DSLOTS=1 -DMUTANT_NOT_SHOWN_LATER

for mutant in COUNTS_AFTER_A_DEATH DRAINS_BEFORE_SLEEPING FAILED_AFTER_FINISHED LOOKS_BEFORE_ADDING \
	RINGS_FOR_THE_TALLY_ONLY SLEEPS_WITHOUT_A_LOOK TELLS_NOBODY_OF_THE_LEDGER; do
	search mutant bell -DMUTANT_$mutant
done

for mutant in CLOSED_AFTER_THE_PINS NO_SECOND_LOOK NUMBER_READ_BEFORE_THE_PIN NUMBER_STORED_FIRST \
	PINS_NOT_LOOKED_AT PIN_NOT_CLEARED UNPINS_BEFORE_HANDING_IN; do
	search mutant pins -DCHUNKS=1 -DMUTANT_$mutant
done

for mutant in NEW_PAIR_WITHOUT_PERMITS OLD_NOT_POSTED OLD_POSTED_BEFORE_THE_MOVE PERMIT_BEFORE_WORK; do
	search mutant sleep -DLONG -DMUTANT_$mutant
done
search mutant sleep -DITEMS=1 -DMUTANT_HELD_BACK_FOR_GOOD
search mutant sleep -DFORKS_MAY_FAIL -DMUTANT_WOKEN_BEFORE_THE_OFFER
search mutant sleep -DITEMS=1 -DK=2 -DMUTANT_PARKED_NOT_LOOKED_AT
search mutant sleep -DITEMS=1 -DK=2 -DMUTANT_GENERATION_NOT_LOOKED_AT_AGAIN
full mutant sleep -DITEMS=3 -DMUTANT_HEAD_NOT_LOOKED_AT

for mutant in ATTEMPT_NOT_ANNOUNCED BEGAN_READ_FIRST DOOM_BY_POSITION KILLS_WITHOUT_DOOMING \
	OUTCOME_BEFORE_THE_STINT_ENDS STINT_BEFORE_POSITION STINT_NOT_ENDED STINT_STORED; do
	search mutant doom -DMUTANT_$mutant
done

for mutant in DOOMS_BEFORE_THE_LEDGER DOOMS_WITHOUT_A_SWAP LEDGER_LEFT NOT_DISMISSED NOT_KILLED UNPIN_STORED; do
	search mutant cancel -DMUTANT_$mutant
done

echo "models: $((searches - failed)) of $searches searches as they should be, in a process of at most $memory MB"
[ "$failed" = 0 ]
