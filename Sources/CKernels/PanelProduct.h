/// Private to CKernels: products of packed matrices, by element type.
#pragma once
#include "Elements.h"

// Sums run over the whole depth in order, so that a result does not depend on how a product is cut.

bool ck_has_pair_products(void);
void ck_pair_multiply(const ck_panel_product *product, size_t row, size_t end, size_t panel);

bool ck_has_float_products(void);
void ck_float_multiply(const ck_panel_product *product, size_t row, size_t end, size_t panel);
