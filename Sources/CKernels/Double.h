/// Double precision for the templates included next (see Single.h).
#undef REAL
#undef NAME
#undef EACH_ALONE
#define REAL double
#define NAME(function) function##_f64
#define EACH_ALONE  // libm is called element by element
