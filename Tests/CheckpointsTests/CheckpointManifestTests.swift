import Checkpoints
import Foundation
import XCTest

extension CheckpointManifest {
    func replacing(files: [File]) -> CheckpointManifest {
        CheckpointManifest(
            step: step, created: created, saddle: saddle, writer: writer,
            provenance: provenance, files: files, state: state)
    }
}

final class CheckpointManifestTests: XCTestCase {
    private let manifest = CheckpointManifest(
        format: 1, step: 3, created: "2026-11-23T12:00:00Z", saddle: "0.1.0",
        writer: WriterIdentity(
            host: "node1", pid: 42, job: "17", restarts: 0, started: "2026-11-23T11:00:00Z"),
        provenance: ["note": "größe \"quoted\"\n"],
        files: ["state.h5", "config.yaml"].map {
            .init(name: $0, bytes: 0, sha256: String(repeating: "0", count: 64))
        },
        state: [
            .init(path: "a/b", type: "f32", shape: [], sha256: "00"),
            .init(path: "c", type: "real", shape: nil, sha256: "11"),
        ])

    func testRoundTrip() throws {
        XCTAssertEqual(try CheckpointManifest.unsealed(manifest.sealedText()), manifest)
    }

    /// The text is JSON, and its last key the SHA-256 of what precedes `,\n  "seal"`.
    func testSealAsDocumented() throws {
        let text = try manifest.sealedText()
        let json = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
        let string = String(decoding: text, as: UTF8.self)
        let seal = try XCTUnwrap(string.range(of: ",\n  \"seal\"", options: .backwards))
        XCTAssertEqual(
            json["seal"] as? String, SHA256Digest.hexadecimal(of: Array(string[..<seal.lowerBound].utf8)))
    }

    /// FIPS 180-4 example vectors.
    func testSHA256() {
        XCTAssertEqual(
            SHA256Digest.hexadecimal(of: []),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        XCTAssertEqual(
            SHA256Digest.hexadecimal(of: Array("abc".utf8)),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    func testEveryByteIsUnderTheSeal() throws {
        let text = try manifest.sealedText()
        for position in text.indices {
            for bit in [UInt8(1), 32, 128] {
                var damaged = text
                damaged[position] ^= bit
                XCTAssertThrowsError(try CheckpointManifest.unsealed(damaged), "byte \(position)")
            }
        }
    }

    func testFutureFormatIsRefusedWithAdvice() throws {
        let text = CheckpointManifest.sealed("{\n  \"format\" : 2,\n  \"steps\" : [1]\n}")
        XCTAssertThrowsError(try CheckpointManifest.unsealed(text)) {
            XCTAssertEqual(
                "\($0)",
                "manifest.json has format 2, and this version reads 1; "
                    + "use the version of Saddle that wrote it"
            )
        }
    }

    func testSealedNonsenseIsRefused() throws {
        for text in [
            "{\n}", "{\n  \"format\" : 1\n}", "{\n  \"format\" : \"1\"\n}",
            "{\n  \"format\" : 99999999999999999999999999\n}", "{\n  \"format\" : 1e400\n}",
            "[[\n}", String(repeating: "[", count: 5_000) + "\n}",
        ] {
            XCTAssertThrowsError(try CheckpointManifest.unsealed(CheckpointManifest.sealed(text)), text)
        }
    }

    func testFilesOutsideTheDirectoryAreRefused() throws {
        for name in ["../x", "/etc/passwd", "a/b", "", ".", "..", ".owner.json", "manifest.json", "state.h5"]
        {
            let files = manifest.files + [.init(name: name, bytes: 0, sha256: "")]
            let text = try manifest.replacing(files: files).sealedText()
            XCTAssertThrowsError(try CheckpointManifest.unsealed(text), name)
        }
        let negative = [CheckpointManifest.File(name: "x", bytes: -1, sha256: "")]
        XCTAssertThrowsError(
            try CheckpointManifest.unsealed(manifest.replacing(files: manifest.files + negative).sealedText())
        )
        XCTAssertThrowsError(
            try CheckpointManifest.unsealed(manifest.replacing(files: [manifest.files[0]]).sealedText()))
    }
}
