# mclapply.R --workers N: R's parallel::mclapply, as a peer of the comparison bench (the protocol is in peer.h).
#
# It keeps no workers.  Each call forks its own, which live as long as it does: one a core, its default (CHUNK 0),
# or one a task, mc.preschedule = FALSE (CHUNK 1); so the work `life` is nothing but a map of two.  R has no other
# clock than that of the wall: a run during which that is set back is no result.

say <- function(...) {
	cat(..., "\n", sep = "")
	flush(stdout())
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2 || arguments[1] != "--workers" || !grepl("^[1-9][0-9]{0,3}$", arguments[2])) {
	message("usage: Rscript --vanilla mclapply.R --workers N")
	quit(status = 2)
}
workers <- as.integer(arguments[2])

map <- function(task, tasks, chunk) {
	parallel::mclapply(tasks, task, mc.cores = workers, mc.preschedule = chunk == 0)
}

# An answer that is an error: stop(answer("no", ...)), stop(answer("wrong", ...)).
answer <- function(word, ...) {
	structure(class = c("answer", "error", "condition"), list(message = paste0(word, " ", ...), call = NULL))
}

# Each task returns its number: what a worker that died would have returned is NULL.
timed <- function(task, count, chunk) {
	tasks <- seq_len(count)
	begin <- Sys.time()
	results <- map(task, tasks, chunk)
	took <- as.numeric(Sys.time() - begin, units = "secs")
	if (!identical(results, as.list(tasks))) stop(answer("wrong", "not every task was done"))
	if (took < 0) stop(answer("no", "time: the clock was set back meanwhile"))
	took
}

nothing <- function(i) i

# R reads the CPU time to the millisecond only.  So a task of 1 ms is a loop, whose length is measured in as many
# processes as there are workers, over a longer time.
spin <- compiler::cmpfun(function(i, turns) {
	x <- 0
	for (turn in seq_len(turns)) x <- x + turn
	i
})

cpu <- function() sum(proc.time()[c("user.self", "sys.self")])

turns_of_a_millisecond <- function() {
	measure <- function(worker) {
		turns <- 0
		begin <- cpu()
		while (cpu() - begin < 0.1) {
			spin(worker, 2000)
			turns <- turns + 2000
		}
		turns / (cpu() - begin) / 1000
	}
	median(unlist(map(measure, seq_len(workers), 0)))
}

dealt <- function(task, count, chunk) {
	if (chunk > 1) stop(answer("no", "chunks: mclapply deals tasks out one at a time (1), or all beforehand (0)"))
	timed(task, count, chunk)
}

pairs <- function(times, idle) {
	took <- 0
	for (i in seq_len(times)) {
		Sys.sleep(idle / 1e6)
		took <- took + timed(nothing, 2, 0)
	}
	took
}

works <- list(
	empty = function(count, chunk) dealt(nothing, count, chunk),
	millisecond = function(count, chunk) {
		turns <- turns_of_a_millisecond()
		dealt(function(i) spin(i, turns), count, chunk)
	},
	pair = pairs,
	life = function(millions, times) {
		ballast <- rep(as.raw(1), millions * 1e6)
		took <- pairs(times, 0)
		rm(ballast)
		gc()
		took
	},
	jobs = function(count, unused) stop(answer("no", "jobs: mclapply is a map, and waits"))
)

respond <- function(request) {
	words <- strsplit(trimws(request), " +")[[1]]
	if (length(words) != 4 || words[1] != "run" || !all(grepl("^[0-9]+$", words[3:4]))) {
		stop(answer("no", "such request: ", request, "; run WORK N CHUNK is one"))
	}
	if (!words[2] %in% names(works)) stop(answer("no", words[2], " here: in R it would measure the interpreter"))
	numbers <- as.numeric(words[3:4])
	say(sprintf("took %.9f", works[[words[2]]](numbers[1], numbers[2])))
}

say("ready parallel::mclapply, ", R.version.string)
input <- file("stdin", "r")
while (length(request <- readLines(input, n = 1)) > 0) {
	tryCatch(respond(request),
		answer = function(reason) say(conditionMessage(reason)),
		error = function(reason) say("no result: ", gsub("\n", " ", conditionMessage(reason)))
	)
}
close(input)
