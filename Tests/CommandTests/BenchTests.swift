import Foundation
import TestSupport
import XCTest

final class BenchTests: XCTestCase {
    private struct Result: Decodable {
        struct Case: Decodable {
            let name: String
            let seconds: Double
            let gflops: Double?
        }

        let name: String
        let seconds: Double
        let repeats: Int
        let threads: Int
        let blasCore: String
        let cases: [Case]?
        let gflops: Double?
        let peakBytes: Int?
        let weightBytes: Int?
        let activationBytes: Int?
    }

    func testEachBenchmarkPrintsOneObject() throws {
        let run = try Subprocess.saddle(["bench", "gemm", "algorithm2", "--repeats", "1", "--threads", "1"])
        XCTAssertEqual(run.exitCode, 0, run.standardError)
        let results = try run.standardOutput.split(separator: "\n").map {
            try Self.decoder.decode(Result.self, from: Data($0.utf8))
        }
        XCTAssertEqual(results.map(\.name), ["gemm", "algorithm2"])
        for result in results {
            XCTAssertEqual(result.repeats, 1)
            XCTAssertEqual(result.threads, 1)
            XCTAssertGreaterThan(result.seconds, 0)
            XCTAssertFalse(result.blasCore.isEmpty)
        }
        let products = try XCTUnwrap(results[0].cases)
        XCTAssertTrue(products.allSatisfy { ($0.gflops ?? 0) > 0 && $0.seconds > 0 })
    }

    /// Sizes of Stable Diffusion 1.5: 83,653,863 parameters of the autoencoder, 123,060,480 of the text encoder.
    func testNetworksTellTheirMemory() throws {
        for (arguments, bytes) in [
            (["vae", "--latent", "4", "--batch", "1"], 4 * 83_653_863),
            (["vae", "--latent", "4", "--batch", "1", "--backward", "--dtype", "bf16"], 2 * 83_653_863),
            (["vae", "--latent", "4", "--batch", "1", "--backward", "--segments"], 4 * 83_653_863),
            (["text", "--batch", "1", "--backward"], 4 * 123_060_480),
        ] {
            let run = try Subprocess.saddle(["bench", "--repeats", "1"] + arguments)
            XCTAssertEqual(run.exitCode, 0, run.standardError)
            let result = try Self.decoder.decode(Result.self, from: Data(run.standardOutput.utf8))
            XCTAssertEqual(result.name, arguments[0])
            XCTAssertEqual(result.weightBytes, bytes, "\(arguments)")
            XCTAssertGreaterThan(try XCTUnwrap(result.peakBytes), bytes, "\(arguments)")
            XCTAssertGreaterThan(try XCTUnwrap(result.activationBytes), 0, "\(arguments)")
            XCTAssertGreaterThan(try XCTUnwrap(result.gflops), 0, "\(arguments)")
        }
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    func testWhatItCannotTimeIsRefused() throws {
        for arguments in [
            ["bench"], ["bench", "speed"], ["bench", "gemm", "--repeats", "0"],
            ["bench", "vae", "--latent", "0"],
            ["bench", "text", "--dtype", "f64"], ["bench", "unet", "--config", "sd3"],
        ] {
            let run = try Subprocess.saddle(arguments)
            XCTAssertEqual(run.exitCode, 64, "\(arguments)")
            XCTAssertEqual(run.standardOutput, "", "\(arguments)")
        }
    }
}
