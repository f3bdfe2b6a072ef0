# Sizes of files and functions. In our brace style a function's body is what stands between a line "{" and a
# line "}". Prints FILE:LINE: rule, and at the end "functions N median M p90 P" on a line that starts with '#'.

function flush_file()
{
	if (file != "" && lines > FILE_LINES_MAX)
		print file ":" lines ": a file of " lines " lines, expected at most " FILE_LINES_MAX
}

function body_ended(    n)
{
	n = FNR - opened - 1
	if (n > FUNCTION_LINES_MAX)
		print FILENAME ":" opened ": a function of " n " lines, expected at most " FUNCTION_LINES_MAX
	if (FILENAME !~ /^tests\//)
		of_length[n]++
	if (FILENAME !~ /^tests\//)
		functions++
	if (n > longest)
		longest = n
	opened = 0
}

function quantile(share,    n, seen)
{
	for (n = 0; n <= longest; n++) {
		seen += of_length[n]
		if (seen >= share * functions)
			return n
	}
	return longest
}

BEGIN {
	FILE_LINES_MAX = 600
	FUNCTION_LINES_MAX = 70
	MEDIAN_LINES_MAX = 20
	P90_LINES_MAX = 50
}

FNR == 1 {
	flush_file()
	file = FILENAME
	opened = 0
}

{
	lines = FNR
}

/^\{$/ && FILENAME ~ /[.](c|cc|h)$/ && previous !~ /^namespace/ {
	opened = FNR
}

/^\}/ && opened {
	body_ended()
}

{
	previous = $0
}

END {
	flush_file()
	if (functions > 0) {
		if (quantile(0.5) >= MEDIAN_LINES_MAX)
			print "tree:0: the median function has " quantile(0.5) " lines, expected under " MEDIAN_LINES_MAX
		if (quantile(0.9) >= P90_LINES_MAX)
			print "tree:0: one function in ten has over " quantile(0.9) " lines, expected under " P90_LINES_MAX
		print "# functions " functions " median " quantile(0.5) " p90 " quantile(0.9)
	}
}
