import Foundation
import Telemetry
import XCTest

final class AxisTests: XCTestCase {
    func testPlainRanges() {
        XCTAssertEqual(Axis(covering: [0, 10]).ticks.map(\.label), ["0", "2", "4", "6", "8", "10"])
        XCTAssertEqual(Axis(covering: [-0.5, 0.48]).ticks.map(\.label), ["−0.4", "−0.2", "0", "0.2", "0.4"])
        XCTAssertEqual(
            Axis(covering: [3.21, 3.24]).ticks.map(\.label),
            ["3.210", "3.215", "3.220", "3.225", "3.230", "3.235", "3.240"])
        XCTAssertEqual(
            Axis(covering: [1e12, 5e12]).ticks.map(\.label), ["1e12", "2e12", "3e12", "4e12", "5e12"])
        XCTAssertEqual(
            Axis(covering: [0, 2.5e-12]).ticks.map(\.label),
            ["0", "5e−13", "1.0e−12", "1.5e−12", "2.0e−12", "2.5e−12"])
    }

    /// Whatever the data: both ends are finite and in order, every finite value has its place between them,
    /// ticks grow, lie within, are labelled differently and are neither too few nor too many.
    func testNastyRanges() {
        let cases: [[Double]] = [
            [], [.nan], [.nan, .infinity, -.infinity], [0], [0, 0, 0], [3, 3, 3], [-7.5], [1e-12], [1e12],
            [-1e12],
            [1e-12, 2e-12], [-3e-12, 1e-12], [1e12, 1e12 + 1], [1e12, 1e12 + 100], [1e15, 1e15 + 1e9],
            [-1, .nan, 4],
            [-1e12, 1e12], [1e-12, 1e12], [.leastNonzeroMagnitude, .leastNormalMagnitude], [-1e308, 1e308],
            [1e299, -1e299],
            [.greatestFiniteMagnitude], [0.1, 0.1 + 1e-15], [99.99, 100.01], [-0.0, 1], [999999, 1000001],
        ]
        for values in cases {
            for scale in [Axis.Scale.linear, .logarithmic] {
                for padding in [0, 0.04] {
                    check(values, scale, padding)
                }
            }
        }
    }

    private func check(_ values: [Double], _ scale: Axis.Scale, _ padding: Double) {
        let axis = Axis(covering: values, scale: scale, padding: padding)
        let context = "\(values) \(scale) padding \(padding): \(axis)"
        XCTAssertTrue(axis.lower.isFinite && axis.upper.isFinite && axis.lower < axis.upper, context)
        for value in values where abs(value) <= 1e300 && (scale == .linear || value > 1e-300) {
            let fraction = axis.fraction(value)
            XCTAssertTrue((-1e-9...1 + 1e-9).contains(fraction), "\(value) at \(fraction); \(context)")
        }
        XCTAssertTrue((2...9).contains(axis.ticks.count), context)
        XCTAssertEqual(Set(axis.ticks.map(\.label)).count, axis.ticks.count, context)
        XCTAssertTrue(zip(axis.ticks, axis.ticks.dropFirst()).allSatisfy { $0.value < $1.value }, context)
        for tick in axis.ticks {
            XCTAssertTrue((-1e-6...1 + 1e-6).contains(axis.fraction(tick.value)), "\(tick); \(context)")
            let read = Double(tick.label.replacingOccurrences(of: "−", with: "-")) ?? .nan
            XCTAssertEqual(read, tick.value, accuracy: 1e-9 * abs(tick.value), context)
        }
        XCTAssertTrue(axis.fraction(.nan).isNaN && axis.fraction(.infinity).isNaN, context)
    }

    func testLogarithmicAxis() {
        let axis = Axis(covering: [0.001, 100, 0, -5, .nan], scale: .logarithmic)
        XCTAssertEqual(axis.ticks.map(\.label), ["0.001", "0.01", "0.1", "1", "10", "100"])
        XCTAssertEqual(axis.fraction(1), 0.6, accuracy: 1e-12)
        XCTAssertTrue(axis.fraction(0).isNaN && axis.fraction(-1).isNaN)
        XCTAssertEqual(
            Axis(covering: [2, 60], scale: .logarithmic).ticks.map(\.label), ["2", "5", "10", "20", "50"])
        XCTAssertEqual(
            Axis(covering: [1e-12, 1e12], scale: .logarithmic).ticks.map(\.label),
            ["1e−12", "1e−8", "0.0001", "1", "10000", "1e8", "1e12"])
    }
}
