import CKernels
import Foundation
import XCTest

final class GroupNormTests: XCTestCase {
    private func sums(_ x: Elements, pixels: Range<Int>, channels: Int) -> [Double] {
        var sums = [Double](repeating: .nan, count: 2 * channels)
        ck_group_norm_sums(x.type, x.at(pixels.lowerBound * channels), pixels.count, channels, &sums)
        return sums
    }

    /// Moments from two parts of the pixels are those of the definition, far from zero too.
    func testMomentsOfParts() {
        var random = SplitMix(80)
        let (pixels, channels, groups) = (50, 12, 3)
        for type in ck_dtype.floating {
            for center in [0.0, 1000] where center == 0 || type == ck_f32 || type == ck_f64 {
                let x = Elements(type, random.values(pixels * channels, in: (center - 1)...(center + 1)))
                let parts =
                    sums(x, pixels: 0..<20, channels: channels) + sums(x, pixels: 20..<50, channels: channels)
                let saved = type == ck_f64 ? ck_f64 : ck_f32
                let (mean, rstd) = (Elements(saved, count: groups), Elements(saved, count: groups))
                ck_group_norm_moments(
                    type, parts, 2, pixels, channels, groups, 1e-5, mean.base, rstd.base)
                for group in 0..<groups {
                    let values = (0..<x.count).filter { $0 % channels / 4 == group }.map { x[$0] }
                    let average = values.reduce(0, +) / Double(values.count)
                    let variance = values.reduce(0) { $0 + ($1 - average) * ($1 - average) }
                    assertClose([mean[group]], [average], absolute: 1e-12, relative: 1e-7)
                    assertClose(
                        [rstd[group]], [1 / sqrt(variance / Double(values.count) + 1e-5)], relative: 1e-6)
                }
            }
        }
    }

    func testApplicationInEveryPrecision() {
        var random = SplitMix(81)
        for type in ck_dtype.floating {
            for (channels, groups) in [(6, 2), (64, 4), (70, 7)] {
                let saved = type == ck_f64 ? ck_f64 : ck_f32
                let x = Elements(type, random.values(3 * channels, in: -3...3))
                let gamma = Elements(type, random.values(channels, in: -2...2))
                let beta = Elements(type, random.values(channels, in: -1...1))
                let mean = Elements(saved, random.values(groups, in: -1...1))
                let rstd = Elements(saved, random.values(groups, in: 0.5...2))
                for silu in [false, true] {
                    var norm = ck_group_norm(
                        type: type, channels: channels, groups: groups, gamma: gamma.base, beta: beta.base,
                        mean: mean.base, rstd: rstd.base, silu: silu)
                    let y = Elements(type, count: x.count)
                    ck_group_norm_apply(&norm, x.base, y.base, 3)
                    let expected = (0..<x.count).map { index in
                        let (c, group) = (index % channels, index % channels / (channels / groups))
                        let z = gamma[c] * (x[index] - mean[group]) * rstd[group] + beta[c]
                        return silu ? z / (1 + exp(-z)) : z
                    }
                    let tolerance = 2 * type.roundoff + (type == ck_f64 ? 1e-14 : 2e-6)
                    assertClose(y.doubles, expected, absolute: tolerance, relative: tolerance)
                }
            }
        }
    }
}
