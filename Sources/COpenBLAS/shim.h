#pragma once
#include <cblas.h>

// LAPACK comes with OpenBLAS; its C header (liblapacke-dev) would be one more package.
extern void dsyev_(const char *job, const char *triangle, const int *n, double *a, const int *leading,
                   double *eigenvalues, double *work, const int *work_count, int *info);
extern void dposv_(const char *triangle, const int *n, const int *columns, double *a, const int *leading,
                   double *b, const int *leading_b, int *info);
