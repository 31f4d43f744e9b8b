import CKernels
import XCTest

final class FixedPointTests: XCTestCase {
    private func accumulate(_ x: [Float], exponent: Int32, into sum: inout [Int64]) {
        ck_fixed_accumulate(x, exponent, &sum, x.count)
    }

    private func toFloat(_ sum: [Int64], exponent: Int32) -> [Float] {
        var y = [Float](repeating: .nan, count: sum.count)
        ck_fixed_to_float(sum, exponent, &y, sum.count)
        return y
    }

    private func toDouble(_ sum: [Int64], exponent: Int32) -> [Double] {
        var y = [Double](repeating: .nan, count: sum.count)
        ck_fixed_to_double(sum, exponent, &y, sum.count)
        return y
    }

    /// The sum of x, added one by one in shuffled orders and in lanes: the same each time.
    private func sumInManyOrders(_ x: [Float], exponent: Int32) -> Int64 {
        var source = SplitMix(79)
        var sums = Set<Int64>()
        for _ in 0..<5 {
            let shuffled = x.shuffled(using: &source)
            var sum: [Int64] = [0]
            for value in shuffled { accumulate([value], exponent: exponent, into: &sum) }
            var lanes = [Int64](repeating: 0, count: 100)
            for start in stride(from: 0, to: x.count, by: 100) {
                accumulate(Array(shuffled[start..<start + 100]), exponent: exponent, into: &lanes)
            }
            sums.formUnion([sum[0], lanes.reduce(0, +)])
        }
        XCTAssertEqual(sums.count, 1)
        return sums.first ?? 0
    }

    /// A hundred thousand numbers over 20 binary orders, multiples of 2⁻⁴⁴ all of them: no rounding at all.
    func testSumOfMultiplesIsExactInAnyOrder() {
        var source = SplitMix(80)
        let x = source.spread(100_000, exponents: -20...0).map(Float.init)
        let exact = x.reduce(Int64(0)) { $0 + Int64(Float80($1) * 0x1p44) }
        XCTAssertTrue(x.allSatisfy { Float80(Int64(Float80($0) * 0x1p44)) == Float80($0) * 0x1p44 })
        XCTAssertEqual(sumInManyOrders(x, exponent: 44), exact)
        XCTAssertEqual(toFloat([exact], exponent: 44), [Float(Float80(exact) * 0x1p-44)])
        XCTAssertEqual(toDouble([exact], exponent: 44), [Double(Float80(exact) * 0x1p-44)])
    }

    /// Magnitudes from 2⁻¹⁴⁰ to 1: each is rounded on its own, so that order still does not matter.
    func testSumOfManyMagnitudesIsTheSameInAnyOrder() {
        var source = SplitMix(83)
        let x = source.spread(100_000, exponents: -140...0).map(Float.init)
        let rounded = x.reduce(Int64(0)) { $0 + Int64((Float80($1) * 0x1p44).rounded(.toNearestOrEven)) }
        XCTAssertEqual(sumInManyOrders(x, exponent: 44), rounded)
    }

    func testTiesGoToEven() {
        var sum = [Int64](repeating: 0, count: 8)
        accumulate([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.5000001, 3.4999998], exponent: 0, into: &sum)
        XCTAssertEqual(sum, [0, 2, 2, 0, -2, -2, 1, 3])
        accumulate([1, 1, 1, 1, 1, 1, 1, 1], exponent: 3, into: &sum)
        XCTAssertEqual(sum, [8, 10, 10, 8, 6, 6, 9, 11])
    }

    func testEveryExponentAgreesWithLongDouble() {
        var source = SplitMix(81)
        for exponent in stride(from: -1074, through: 1130, by: 29) {
            // Values about 2^(60 − exponent) and far below, where a double can hold them.
            let top = min(1020, Double(60 - exponent))
            let x = source.spread(37, exponents: max(-1074, top - 80)...max(-1073, top))
            let expected = x.map { Int64((Float80($0) * scale(exponent)).rounded(.toNearestOrEven)) }
            var sum = [Int64](repeating: 5, count: x.count)
            ck_fixed_accumulate_f64(x, Int32(exponent), &sum, x.count)
            XCTAssertEqual(sum, expected.map { $0 + 5 }, "exponent \(exponent)")
            let returned = expected.map { Double(Float80($0) * scale(-exponent)) }
            XCTAssertEqual(toDouble(expected, exponent: Int32(exponent)), returned, "exponent \(exponent)")
            guard (-60...200).contains(exponent) else { continue }
            let floats = x.map(Float.init)
            let rounded = floats.map { Int64((Float80($0) * scale(exponent)).rounded(.toNearestOrEven)) }
            sum = [Int64](repeating: 0, count: x.count)
            accumulate(floats, exponent: Int32(exponent), into: &sum)
            XCTAssertEqual(sum, rounded, "exponent \(exponent)")
        }
    }

    /// Integers beside the halfway points of float, where rounding twice would go wrong.
    func testReturnToFloatRoundsOnce() {
        var source = SplitMix(82)
        var sums: [Int64] = [0, 1, -1, .max, .min, .min + 1, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1]
        for _ in 0..<2000 {
            let bits = Int.random(in: 26...62, using: &source)
            let mantissa = Int64.random(in: 1 << 23..<1 << 24, using: &source)
            let middle = mantissa << (bits - 24) + 1 << (bits - 25)
            for offset: Int64 in [-1, 0, 1] { sums += [middle + offset, -(middle + offset)] }
            sums.append(Int64.random(in: .min ... .max, using: &source))
        }
        for exponent in [-70, -64, 0, 1, 44, 130, 160, 180, 200, 1100] {
            let expected = sums.map { Float(Float80($0) * scale(-exponent)) }
            XCTAssertEqual(toFloat(sums, exponent: Int32(exponent)), expected, "exponent \(exponent)")
        }
    }

    private func scale(_ exponent: Int) -> Float80 {
        Float80(sign: .plus, exponent: exponent, significand: 1)
    }
}
