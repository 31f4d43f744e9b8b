import CKernels

/// Fixed-point arithmetic for sums whose bits do not depend on the order of their terms.
///
/// A term x becomes the integer round(x · 2^exponent); integers add exactly, in any order, and their
/// sum becomes floating point once. `Distributed.ExactSum` chooses the exponents. Tensors are f32 or f64.
package enum FixedPoint {
    /// max |x[i]| over a range of x, or nil if an element is NaN or infinite; 0 for no elements.
    package static func maxMagnitude(_ x: Tensor, _ range: Range<Int>) -> Double? {
        var finite = true
        let largest = ck_max_magnitude(x.kernelType, x.at(range.lowerBound), range.count, &finite)
        return finite ? largest : nil
    }

    /// sum[i] += round(x[i] · 2^exponent) over a range of x, for finite x and sums that stay inside Int64.
    package static func accumulate(
        _ x: Tensor, _ range: Range<Int>, exponent: Int, into sum: UnsafeMutablePointer<Int64>
    ) {
        let (start, exponent) = (x.at(range.lowerBound), Int32(exponent))
        if x.dtype == .float64 {
            ck_fixed_accumulate_f64(start.assumingMemoryBound(to: Double.self), exponent, sum, range.count)
        } else {
            ck_fixed_accumulate(start.assumingMemoryBound(to: Float.self), exponent, sum, range.count)
        }
    }

    /// y[i] = sum[i] · 2^(−exponent) over a range of y, rounded once.
    package static func round(
        _ sum: UnsafePointer<Int64>, exponent: Int, into y: Tensor, _ range: Range<Int>
    ) {
        let (start, exponent) = (y.at(range.lowerBound), Int32(exponent))
        if y.dtype == .float64 {
            ck_fixed_to_double(sum, exponent, start.assumingMemoryBound(to: Double.self), range.count)
        } else {
            ck_fixed_to_float(sum, exponent, start.assumingMemoryBound(to: Float.self), range.count)
        }
    }
}
