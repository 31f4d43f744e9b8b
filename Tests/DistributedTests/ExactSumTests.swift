import Distributed
import TensorCore
import XCTest

/// Numbers of one rank; the battery compares ranks.
final class ExactSumTests: XCTestCase {
    private func sum(_ terms: [[Float]]) throws -> [Float] {
        var sum = ExactSum(floats: [("x", terms[0].count)])
        for term in terms { sum.add(term, to: "x") }
        return try XCTUnwrap(sum.reduce(over: SingleCommunicator()).get().floats["x"])
    }

    private func sum(_ terms: [[Double]]) throws -> [Double] {
        var sum = ExactSum(doubles: [("x", terms[0].count)])
        for term in terms { sum.add(term, to: "x") }
        return try XCTUnwrap(sum.reduce(over: SingleCommunicator()).get().doubles["x"])
    }

    func testZerosDenormalsAndHugeNumbers() throws {
        XCTAssertEqual(try sum([[0, -0], [0, 0]] as [[Float]]), [0, 0])
        let tiny = Float.leastNonzeroMagnitude
        XCTAssertEqual(try sum([[tiny, 3 * tiny], [tiny, -tiny], [tiny, 0]]), [3 * tiny, 2 * tiny])
        XCTAssertEqual(try sum([[1e38, -3e38], [2e38, 3e38]] as [[Float]]), [3e38, 0])
        let greatest = Float.greatestFiniteMagnitude
        XCTAssertEqual(try sum([[greatest], [greatest], [-greatest]]), [greatest])
        // A sum between the largest float and half a unit above it rounds down to it.
        XCTAssertEqual(try sum([[greatest], [0x1p102]] as [[Float]]), [greatest])
        let huge = Double.greatestFiniteMagnitude
        XCTAssertEqual(try sum([[huge, -1], [-huge, 1]]), [0, 0])
        // Below 2^-958 the unit of doubles stays at 2^-1000.
        XCTAssertEqual(try sum([[0x1p-970], [0x1p-980]]), [0x1p-970 + 0x1p-980])
        XCTAssertEqual(try sum([[0x1p-1001], [0]] as [[Double]]), [0])
    }

    func testCancellationLosesNothing() throws {
        // In float, (1e8 + 1) − 1e8 is 0.
        XCTAssertEqual(try sum([[1e8], [1], [-1e8]] as [[Float]]), [1])
        XCTAssertEqual(try sum([[1e8], [-1e8], [1]] as [[Float]]), [1])
    }

    func testTermsBelowTheUnitVanish() throws {
        // Largest magnitude 1 is below 2^1: the unit is 2^(1 − 42).
        XCTAssertEqual(try sum([[1, 0x1p-41, 0x1p-43]] as [[Double]]), [1, 0x1p-41, 0])
        // Each tensor has its own unit.
        var sum = ExactSum(floats: [("large", 1), ("small", 1)])
        sum.add([1e30] as [Float], to: "large")
        sum.add([1e-30] as [Float], to: "small")
        let sums = try sum.reduce(over: SingleCommunicator()).get()
        XCTAssertEqual(sums.floats, ["large": [1e30], "small": [1e-30]])
    }

    func testAsManyTermsAsFitDoNotOverflow() throws {
        let terms = ExactSum.maximumTerms
        let value = Double(1).nextDown
        var sum = ExactSum(doubles: [("x", 2)])
        let term = Tensor([value, -value], shape: [2])
        for _ in 0..<terms { sum.add(term, to: "x") }
        let found = try XCTUnwrap(sum.reduce(over: SingleCommunicator()).get().doubles["x"])
        // Below 1 the unit is 2^-42, to which each term rounds up.
        XCTAssertEqual(found, [Double(terms), -Double(terms)])
    }

    func testAnyOrderGivesTheSameBits() throws {
        var random = SystemRandomNumberGenerator()
        let terms = (0..<64).map { _ in
            (0..<37).map { _ in
                Float.random(in: -1...1, using: &random)
                    * Float(sign: .plus, exponent: .random(in: -30...30), significand: 1)
            }
        }
        let reference = try sum(terms)
        for _ in 0..<10 { XCTAssertEqual(try sum(terms.shuffled(using: &random)), reference) }
    }

    func testEmptyTensorsAndNoTensors() throws {
        XCTAssertEqual(try sum([[], []] as [[Float]]), [])
        var nothing = ExactSum()
        XCTAssertEqual(try nothing.reduce(over: SingleCommunicator()).get().floats, [:])
    }

    /// Tensors longer than the parts that threads take, in which every element has another sum.
    func testLongTensorsOnAnyNumberOfThreads() throws {
        defer { Parallel.configure(threads: ProcessInfo.processInfo.activeProcessorCount) }
        let counts = [100_003, 1, 70_001]
        let values = counts.map { count in (0..<count).map { Float($0) - 1000 } }
        let names = ["a", "b", "c"]
        for threads in [1, 2, 3] {
            Parallel.configure(threads: threads)
            var sum = ExactSum(floats: zip(names, counts).map { ($0, $1) })
            for _ in 0..<3 {
                for (name, value) in zip(names, values) { sum.add(value, to: name) }
            }
            let sums = try sum.reduce(over: SingleCommunicator()).get()
            for (name, value) in zip(names, values) {
                XCTAssertEqual(sums.floatTensors[name]?.floats, value.map { 3 * $0 }, "\(threads) threads")
            }
        }
    }

    func testReduceForgetsItsTerms() throws {
        var sum = ExactSum(floats: [("x", 1)])
        for _ in 0..<3 {
            sum.add([0.1] as [Float], to: "x")
            XCTAssertEqual(try sum.reduce(over: SingleCommunicator()).get().floats["x"], [0.1])
        }
    }
}

final class FixedPointTests: XCTestCase {
    private func accumulate(_ x: Tensor, exponent: Int, into sum: [Int64]) -> [Int64] {
        var sum = sum
        FixedPoint.accumulate(x, 0..<x.elementCount, exponent: exponent, into: &sum)
        return sum
    }

    private func accumulated(_ x: [Double], exponent: Int) -> [Int64] {
        accumulate(
            Tensor(x, shape: [x.count]), exponent: exponent, into: [Int64](repeating: 0, count: x.count))
    }

    private func rounded(_ sums: [Int64], exponent: Int, _ dtype: DType) -> Tensor {
        let y = Tensor.zeros([sums.count], dtype: dtype)
        FixedPoint.round(sums, exponent: exponent, into: y, 0..<sums.count)
        return y
    }

    func testRoundingIsToNearestEven() {
        let x = [0.5, 1.5, 2.5, -0.5, -1.5, 0.49, 0.51, -2.75]
        XCTAssertEqual(accumulated(x, exponent: 0), [0, 2, 2, 0, -2, 0, 1, -3])
        XCTAssertEqual(accumulated(x, exponent: 2), [2, 6, 10, -2, -6, 2, 2, -11])
        XCTAssertEqual(accumulated([1e300], exponent: -982), [Int64((1e300 * 0x1p-982).rounded())])
        XCTAssertEqual(accumulated([0x1p-990], exponent: 1000), [1024])
    }

    func testFloatsAccumulateLikeDoubles() {
        let x: [Float] = [0.1, -7.25, 1e-8, 3e9]
        let sum = accumulate(Tensor(x, shape: [4]), exponent: 20, into: [5, 5, 5, 5])
        XCTAssertEqual(sum, accumulated(x.map(Double.init), exponent: 20).map { $0 + 5 })
    }

    func testRangesAreWhatIsTaken() {
        let x = Tensor([1, 2, 3, 4] as [Float], shape: [4])
        var sum: [Int64] = [10, 10]
        FixedPoint.accumulate(x, 1..<3, exponent: 0, into: &sum)
        XCTAssertEqual(sum, [12, 13])
        FixedPoint.round(sum, exponent: 1, into: x, 2..<4)
        XCTAssertEqual(x.floats, [1, 2, 6, 6.5])
        XCTAssertEqual(FixedPoint.maxMagnitude(x, 0..<2), 2)
    }

    func testConversionRoundsOnce() {
        // 2^24 + 1 lies half-way between floats; a bit 2^-30 further down decides, unless lost in a double.
        let halfWay = Int64(1) << 54 + Int64(1) << 30
        let floats = rounded(
            [halfWay, halfWay + 1, halfWay - 1, -halfWay - 1, 0, .max], exponent: 30, .float32)
        XCTAssertEqual(floats.floats, [0x1p24, 0x1p24 + 2, 0x1p24, -0x1p24 - 2, 0, 0x1p33])
        let doubles = rounded([(Int64(1) << 53) + 1, (Int64(1) << 54) + 3], exponent: -3, .float64)
        XCTAssertEqual(doubles.doubles, [0x1p56, 0x1p57 + 32])
    }

    func testMagnitudesAndNonFiniteNumbers() {
        func magnitude(_ x: [Float]) -> Double? {
            FixedPoint.maxMagnitude(Tensor(x, shape: [x.count]), 0..<x.count)
        }
        func magnitude(_ x: [Double]) -> Double? {
            FixedPoint.maxMagnitude(Tensor(x, shape: [x.count]), 0..<x.count)
        }
        XCTAssertEqual(magnitude([] as [Float]), 0)
        XCTAssertEqual(magnitude([1, -3, 2] as [Float]), 3)
        XCTAssertEqual(magnitude([.leastNonzeroMagnitude] as [Float]), 0x1p-149)
        XCTAssertEqual(magnitude([1e300, -1e301] as [Double]), 1e301)
        for bad in [Float.nan, .infinity, -.infinity, .signalingNaN] {
            for position in [0, 17, 99] {
                var x = [Float](repeating: 1, count: 100)
                x[position] = bad
                XCTAssertNil(magnitude(x), "\(bad) at \(position)")
                XCTAssertNil(magnitude(x.map(Double.init)), "\(bad) at \(position)")
            }
        }
    }
}
