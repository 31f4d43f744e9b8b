import CKernels
import XCTest

final class PhiloxTests: XCTestCase {
    /// Known answers of Random123 1.14 (`kat_vectors`, philox4x32 10).
    func testPublishedVectors() {
        let ones = UInt32.max
        let known: [(counter: [UInt32], key: [UInt32], out: [UInt32])] = [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([ones, ones, ones, ones], [ones, ones], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ]
        for (counter, key, expected) in known {
            var out = [UInt32](repeating: 0, count: 4)
            ck_philox_block(counter, key, &out)
            XCTAssertEqual(out, expected)
        }
    }

    private let key = ck_philox_key(seed: 0x0123_4567_89ab_cdef, stream: 7, step: 11, sample: 13, block: 17)

    /// The words of one sample, from the block function.
    private func words(_ key: ck_philox_key, sample: Int, width: Int) -> [UInt32] {
        let seed = [UInt32(truncatingIfNeeded: key.seed), UInt32(key.seed >> 32)]
        return (0..<(width + 3) / 4).flatMap { block in
            var out = [UInt32](repeating: 0, count: 4)
            let counter = [key.block + UInt32(block), key.sample + UInt32(sample), key.step, key.stream]
            ck_philox_block(counter, seed, &out)
            return out
        }
    }

    private func uniforms(_ key: ck_philox_key, _ samples: Int, _ width: Int) -> [Float] {
        var out = [Float](repeating: .nan, count: samples * width)
        ck_philox_uniform(key, &out, samples, width)
        return out
    }

    private func normals(_ key: ck_philox_key, _ samples: Int, _ width: Int) -> [Float] {
        var out = [Float](repeating: .nan, count: samples * width)
        ck_philox_normal(key, &out, samples, width)
        return out
    }

    func testUniformsAreTheUpperBitsOfEachWord() {
        for (samples, width) in [(1, 1), (3, 2), (5, 4), (2, 7), (70, 3), (2, 300), (1, 4096)] {
            let expected = (0..<samples).flatMap { words(key, sample: $0, width: width).prefix(width) }
            let out = uniforms(key, samples, width)
            XCTAssertEqual(out, expected.map { Float($0 >> 8) * 0x1p-24 }, "\(samples) × \(width)")
        }
    }

    func testNormalsAreBoxMullerOfEachPair() {
        for (samples, width) in [(1, 1), (3, 2), (5, 4), (2, 7), (70, 3), (2, 300), (1, 4096)] {
            let expected = (0..<samples).flatMap { sample in
                let words = words(key, sample: sample, width: width)
                return (0..<width).map { e -> Double in
                    let radius = (-2 * log((Double(words[e & ~1]) + 1) * 0x1p-32)).squareRoot()
                    let angle = 2 * Double.pi * Double(words[e | 1]) * 0x1p-32
                    return radius * (e % 2 == 0 ? cos(angle) : sin(angle))
                }
            }
            assertClose(
                normals(key, samples, width).map(Double.init), expected, absolute: 2e-6,
                "\(samples) × \(width)")
        }
    }

    func testEverySplitOfSamplesAndBlocksGivesTheSameBits() {
        for draw in [uniforms, normals] {
            for width in [1, 2, 6, 64, 130] {
                let whole = draw(key, 50, width)
                for cut in [1, 7, 49] {
                    var rest = key
                    rest.sample += UInt32(cut)
                    XCTAssertEqual(draw(key, cut, width) + draw(rest, 50 - cut, width), whole)
                }
            }
            let sample = draw(key, 1, 1000)
            for cut in [4, 64, 500, 996] {
                var rest = key
                rest.block += UInt32(cut / 4)
                XCTAssertEqual(draw(key, 1, cut) + draw(rest, 1, 1000 - cut), sample)
            }
        }
    }

    func testEveryPartOfTheKeyMatters() {
        let base = normals(key, 1, 64)
        let changes: [(inout ck_philox_key) -> Void] = [
            { $0.seed += 1 }, { $0.seed += 1 << 32 }, { $0.stream += 1 }, { $0.step += 1 },
            { $0.sample += 1 },
        ]
        for change in changes {
            var other = key
            change(&other)
            let drawn = normals(other, 1, 64)
            XCTAssertEqual(zip(base, drawn).filter { $0 == $1 }.count, 0)
        }
    }

    /// Moments within five standard errors; the Kolmogorov–Smirnov distance below its 0.1 % point 1.95 / √n.
    func testFourMillionNormals() {
        let n = 1 << 22
        let z = normals(key, 1024, n / 1024).map(Double.init)
        let root = Double(n).squareRoot()
        let mean = z.reduce(0, +) / Double(n)
        let moments = (2...4).map { power in z.reduce(0) { $0 + pow($1 - mean, Double(power)) } / Double(n) }
        XCTAssertLessThan(abs(mean), 5 / root)
        XCTAssertLessThan(abs(moments[0] - 1), 5 * 2.0.squareRoot() / root)
        XCTAssertLessThan(abs(moments[1] / pow(moments[0], 1.5)), 5 * 6.0.squareRoot() / root)
        XCTAssertLessThan(abs(moments[2] / (moments[0] * moments[0]) - 3), 5 * 24.0.squareRoot() / root)
        XCTAssertLessThan(distance(z.sorted(), normalCDF), 1.95 / root)
        XCTAssertLessThanOrEqual(z.reduce(0) { max($0, abs($1)) }, 6.66)
        // Neighbours, whether of one pair or not, are uncorrelated.
        for lag in [1, 2, 4] {
            let product = zip(z, z.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 } / Double(n)
            XCTAssertLessThan(abs(product), 5 / root, "lag \(lag)")
        }
    }

    func testAMillionUniforms() {
        let n = 1 << 20
        let u = uniforms(key, 4096, n / 4096).map(Double.init)
        XCTAssertTrue(u.allSatisfy { (0..<1).contains($0) })
        XCTAssertLessThan(distance(u.sorted()) { $0 }, 1.95 / Double(n).squareRoot())
    }

    /// Kolmogorov–Smirnov: the largest distance between the empirical and a distribution function.
    private func distance(_ sorted: [Double], _ cdf: (Double) -> Double) -> Double {
        let n = Double(sorted.count)
        return sorted.enumerated().reduce(0) { largest, entry in
            let value = cdf(entry.element)
            return max(largest, value - Double(entry.offset) / n, Double(entry.offset + 1) / n - value)
        }
    }
}
