# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# R: vectors, a linear model, processes and a plot.
set.seed(7)
x <- rnorm(5000)
y <- 3 * x + rnorm(5000)
print(coef(lm(y ~ x)), digits = 6)
print(quantile(x), digits = 5)
r <- parallel::mclapply(1:6, function(i) sum(sort(runif(1e4 * i)) > 0.5) >= 0,
    mc.cores = 2)
print(unlist(r))
print(summary(table(cut(x, 5))))
quit(status = 4)
