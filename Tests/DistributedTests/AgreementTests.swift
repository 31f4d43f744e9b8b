import Distributed
import XCTest

/// The comparison over ranks is in the battery.
final class AgreementTests: XCTestCase {
    func testEveryBitCounts() {
        for length in 0...33 {
            var bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37) }
            let reference = bytes.withUnsafeBytes(Agreement.hash)
            for i in 0..<length {
                for bit in 0..<8 {
                    bytes[i] ^= 1 << bit
                    XCTAssertNotEqual(bytes.withUnsafeBytes(Agreement.hash), reference, "\(length), \(i)")
                    bytes[i] ^= 1 << bit
                }
            }
        }
    }

    func testLengthAndOrderCount() {
        let arrays: [[UInt8]] = [
            [], [0], [0, 0], Array(repeating: 0, count: 8), Array(repeating: 0, count: 9),
            Array(repeating: 0, count: 16), [1] + Array(repeating: 0, count: 15),
            Array(repeating: 0, count: 8) + [1] + Array(repeating: 0, count: 7),
        ]
        XCTAssertEqual(Set(arrays.map { $0.withUnsafeBytes(Agreement.hash) }).count, arrays.count)
    }

    func testChecksAreDueEveryIntervalSteps() {
        XCTAssertEqual((0..<10).filter(Agreement(interval: 4).isDue), [0, 4, 8])
        XCTAssertEqual((0..<10).filter(Agreement(interval: 0).isDue), [])
    }
}
