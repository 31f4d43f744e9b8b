import CKernels
import XCTest

final class OptimizerTests: XCTestCase {
    /// Loshchilov & Hutter 2019, Algorithm 2, in double, over several steps.
    func testAdamWFollowsTheAlgorithm() {
        var source = SplitMix(70)
        let n = 1003
        let (rate, beta1, beta2, epsilon, decay, scale) = (1e-2, 0.9, 0.999, 1e-8, 0.1, 0.5)
        let parameter = Elements(ck_f32, source.values(n, in: -1...1))
        let moments = [
            Elements(ck_f32, Array(repeating: 0, count: n)), Elements(ck_f32, Array(repeating: 0, count: n)),
        ]
        var (p, m, v) = (parameter.doubles, moments[0].doubles, moments[1].doubles)
        for t in 1...10 {
            let gradient = Elements(ck_f32, source.values(n, in: -3...3))
            let (c1, c2) = (1 - pow(beta1, Double(t)), 1 - pow(beta2, Double(t)))
            for i in 0..<n {
                let g = scale * gradient[i]
                m[i] = beta1 * m[i] + (1 - beta1) * g
                v[i] = beta2 * v[i] + (1 - beta2) * g * g
                p[i] -= rate * decay * p[i]
                p[i] -= rate * (m[i] / c1) / ((v[i] / c2).squareRoot() + epsilon)
            }
            ck_adamw(
                parameter.base.assumingMemoryBound(to: Float.self),
                gradient.base.assumingMemoryBound(to: Float.self),
                moments[0].base.assumingMemoryBound(to: Float.self),
                moments[1].base.assumingMemoryBound(to: Float.self), n, scale, rate, beta1, beta2, epsilon,
                decay, c1, c2)
        }
        assertClose(parameter.doubles, p, absolute: 5e-7, relative: 5e-7)
        assertClose(moments[0].doubles, m, absolute: 3e-7, relative: 1e-6)
        assertClose(moments[1].doubles, v, absolute: 1e-9, relative: 1e-6)
    }

    func testSplittingARangeChangesNoBit() {
        var source = SplitMix(71)
        let n = 500
        let initial = [
            source.values(n, in: -1...1), source.values(n, in: -1...1), source.values(n, in: 0...1),
        ]
        let gradient = source.values(n, in: -1...1).map(Float.init)
        let update = { (ranges: [Range<Int>]) -> [[Float]] in
            var (p, m, v) = (
                initial[0].map(Float.init), initial[1].map(Float.init), initial[2].map(Float.init)
            )
            for range in ranges {
                p.withUnsafeMutableBufferPointer { p in
                    m.withUnsafeMutableBufferPointer { m in
                        v.withUnsafeMutableBufferPointer { v in
                            gradient.withUnsafeBufferPointer { g in
                                ck_adamw(
                                    p.baseAddress.map { $0 + range.lowerBound },
                                    g.baseAddress.map { $0 + range.lowerBound },
                                    m.baseAddress.map { $0 + range.lowerBound },
                                    v.baseAddress.map { $0 + range.lowerBound },
                                    range.count, 1, 1e-3, 0.9, 0.99, 1e-8, 0.01, 0.5, 0.3)
                            }
                        }
                    }
                }
            }
            return [p, m, v]
        }
        XCTAssertEqual(update([0..<500]), update([0..<1, 1..<18, 18..<18, 18..<120, 120..<499, 499..<500]))
    }
}
