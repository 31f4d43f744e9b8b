import CKernels

/// Fixed-point arithmetic for sums whose bits do not depend on the order of their terms.
///
/// A term x becomes the integer round(x · 2^exponent); integers add exactly, in any order, and their
/// sum becomes floating point once. `Distributed.ExactSum` chooses the exponents.
package enum FixedPoint {
    /// max |x[i]|, or nil if an element is NaN or infinite; 0 for no elements.
    package static func maxMagnitude(_ x: UnsafeBufferPointer<Float>) -> Double? {
        maxMagnitude(ck_f32, UnsafeRawPointer(x.baseAddress), count: x.count)
    }

    /// max |x[i]|, or nil if an element is NaN or infinite; 0 for no elements.
    package static func maxMagnitude(_ x: UnsafeBufferPointer<Double>) -> Double? {
        maxMagnitude(ck_f64, UnsafeRawPointer(x.baseAddress), count: x.count)
    }

    /// sum[i] += round(x[i] · 2^exponent), for finite x and sums that stay inside Int64.
    package static func accumulate(
        _ x: UnsafeBufferPointer<Float>, exponent: Int, into sum: UnsafeMutableBufferPointer<Int64>
    ) {
        precondition(x.count == sum.count, "accumulate: \(x.count) terms into \(sum.count) sums")
        ck_fixed_accumulate(x.baseAddress, Int32(exponent), sum.baseAddress, x.count)
    }

    /// sum[i] += round(x[i] · 2^exponent), for finite x and sums that stay inside Int64.
    package static func accumulate(
        _ x: UnsafeBufferPointer<Double>, exponent: Int, into sum: UnsafeMutableBufferPointer<Int64>
    ) {
        precondition(x.count == sum.count, "accumulate: \(x.count) terms into \(sum.count) sums")
        ck_fixed_accumulate_f64(x.baseAddress, Int32(exponent), sum.baseAddress, x.count)
    }

    /// y[i] = sum[i] · 2^(−exponent), rounded once.
    package static func floats(_ sum: UnsafeBufferPointer<Int64>, exponent: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: sum.count) { values, count in
            ck_fixed_to_float(sum.baseAddress, Int32(exponent), values.baseAddress, sum.count)
            count = sum.count
        }
    }

    /// y[i] = sum[i] · 2^(−exponent), rounded once.
    package static func doubles(_ sum: UnsafeBufferPointer<Int64>, exponent: Int) -> [Double] {
        [Double](unsafeUninitializedCapacity: sum.count) { values, count in
            ck_fixed_to_double(sum.baseAddress, Int32(exponent), values.baseAddress, sum.count)
            count = sum.count
        }
    }

    private static func maxMagnitude(_ type: ck_dtype, _ x: UnsafeRawPointer?, count: Int) -> Double? {
        var finite = true
        let largest = ck_max_magnitude(type, x, count, &finite)
        return finite ? largest : nil
    }
}
