import Telemetry
import XCTest

final class CRC32Tests: XCTestCase {
    /// The catalogue's check value, and RFC 3720 appendix B.4.
    func testCastagnoliVectors() {
        XCTAssertEqual(CRC32.castagnoli.checksum("123456789".utf8), 0xE306_9283)
        XCTAssertEqual(CRC32.castagnoli.checksum([UInt8](repeating: 0, count: 32)), 0x8A91_36AA)
        XCTAssertEqual(CRC32.castagnoli.checksum([UInt8](repeating: 0xFF, count: 32)), 0x62A8_AB43)
        XCTAssertEqual(CRC32.castagnoli.checksum(0..<32), 0x46DD_794E)
        XCTAssertEqual(CRC32.castagnoli.checksum((0..<32).reversed()), 0x113F_DB5C)
        XCTAssertEqual(CRC32.castagnoli.checksum([]), 0)
    }

    /// The catalogue's check value, and the checksum of every PNG file's last chunk.
    func testIEEEVectors() {
        XCTAssertEqual(CRC32.ieee.checksum("123456789".utf8), 0xCBF4_3926)
        XCTAssertEqual(CRC32.ieee.checksum("IEND".utf8), 0xAE42_6082)
    }
}
