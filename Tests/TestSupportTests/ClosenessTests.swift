import TestSupport
import XCTest

/// The formula that all tests trust must be able to fail.
final class ClosenessTests: XCTestCase {
    func testAcceptsUpToTheTolerance() {
        let closeness = Closeness(absolute: 0.1, relative: 0.01)
        XCTAssertNil(closeness.fault([], []))
        XCTAssertNil(closeness.fault([1, 100], [1, 100]))
        XCTAssertNil(closeness.fault([0.09, 101, -100.9], [0, 100, -100]))
        XCTAssertNil(closeness.fault([.infinity, -.infinity, .nan], [.infinity, -.infinity, .nan]))
    }

    func testReportsTheWorstElement() {
        let closeness = Closeness(absolute: 0.1, relative: 0.01)
        XCTAssertEqual(
            closeness.fault([0, 104, 0.2], [0, 100, 0]),
            "2 of 3 elements are off; worst at index 1: 104.0, expected 100.0, 3.6363636363636362 × the tolerance"
        )
    }

    func testRefusesWhatIsNotFinite() {
        let closeness = Closeness(absolute: 1e9, relative: 1e9)
        for (actual, expected) in [
            (Double.nan, 0.0), (0, .nan), (.infinity, 0), (0, .infinity), (.infinity, -.infinity),
            (.nan, .infinity),
        ] { XCTAssertNotNil(closeness.fault([1, actual], [1, expected]), "\(actual), \(expected)") }
    }

    func testComparesWholeArrays() {
        XCTAssertEqual(
            Closeness(absolute: 1, relative: 1).fault([1, 2], [1]), "2 elements, expected 1")
        XCTAssertNotNil(Closeness(absolute: 0, relative: 0).fault([1.ulp], [0]))
        XCTAssertNil(Closeness(absolute: 0, relative: 0).fault([1], [1]))
    }
}
