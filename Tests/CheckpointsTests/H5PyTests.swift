import Checkpoints
import Foundation
import XCTest

/// What h5py reads of our files and what we refuse of its files.
///
/// Needs `SADDLE_REFERENCE_PYTHON`, a Python that has h5py and numpy.
final class H5PyTests: RunDirectoryTestCase {
    /// What h5py should show of a value: its numpy type, its shape and the hexadecimal digits of its bytes.
    private static func expectation(_ value: StateValue) -> String {
        let names: [String: String] = [
            "bf16": "uint16", "f16": "float16", "f32": "float32", "f64": "float64", "i64": "int64",
            "i32": "int32",
            "u8": "uint8", "real": "float64", "integer": "int64", "flag": "bool", "text": "str",
        ]
        let type = names[value.typeName] ?? "?"
        let bytes = value.digestedBytes.map { String(format: "%02x", $0) }.joined()
        return "\(type) \(value.shape ?? []) \(bytes)"
    }

    func testH5PyReadsEveryValue() throws {
        let tree = Fixtures.everyKind()
        try overwrite(runDirectory + "/state.h5", HDF5Image.encode(tree))
        let output = try python(
            """
            import h5py, json, numpy as np, sys
            found = {}
            def visit(path, node):
                prefix = path + "/" if path else ""
                if isinstance(node, h5py.Dataset):
                    if h5py.check_string_dtype(node.dtype):
                        found[path] = "str [] " + node.asstr()[()].encode().hex()
                        return
                    assert (node.dtype == np.uint16) == bool(node.attrs.get("bfloat16", False)), path
                    assert node.chunks is None and node.compression is None, path
                    found[path] = f"{node.dtype} {list(node.shape)} {np.asarray(node[()]).tobytes().hex()}"
                else:
                    for name, value in node.attrs.items():
                        found[prefix + name] = f"{value.dtype} {list(value.shape)} {value.tobytes().hex()}"
            with h5py.File(sys.argv[1]) as file:
                visit("", file)
                file.visititems(visit)
            print(json.dumps(found))
            """, runDirectory + "/state.h5")
        let found = try JSONDecoder().decode([String: String].self, from: output)
        XCTAssertEqual(found.keys.sorted(), tree.paths.sorted())
        for path in tree.paths {
            XCTAssertEqual(found[path], try H5PyTests.expectation(XCTUnwrap(tree[path])), path)
        }
    }

    func testForeignStructuresAreRefused() throws {
        let cases = [
            "f.create_dataset('x', data=np.zeros(8, 'f4'), chunks=(4,))":
                "it is not stored in one piece in this file",
            "f['x'] = np.zeros(8, '>f4')": "it is neither text nor of",
            "f['x'] = np.zeros(8, 'u2')": "it holds uint16 without the attribute bfloat16",
            "f['x'] = 'variable length'": "it is neither text nor of",
            "f['x'] = np.array([b'ab', b'cd'])": "it is neither text nor of",
            "f['x'] = h5py.Empty('f4')": "it has none",
            "f['x'] = np.dtype('f4')": "it is neither a group nor a dataset",
            "f['x'] = h5py.SoftLink('/y')": "it is a link to elsewhere",
            "f['x'] = h5py.ExternalLink('other.h5', '/y')": "it is a link to elsewhere",
            "g = f.create_group('x'); g['circle'] = f['/']": "it has two paths",
            "g = f.create_group('x'); g['circle'] = g": "it has two paths",
            "f['x'] = np.zeros(2); f['y'] = f['x']": "it has two paths",
            "f.create_dataset('x', (1 << 40,), 'f4')": "it is larger than the file",
            "f.create_dataset('x', (1 << 62, 0), 'f8')": "it is larger than the file",
            "f.attrs['x'] = [1.0, 2.0]": "it is not a scalar",
            "f.attrs['x'] = np.float32(1)": "it is neither int64, float64 nor bool",
            "f.attrs['x'] = 'text'": "it is neither int64, float64 nor bool",
            "f.attrs['x'] = 1.0; f['x/y'] = np.zeros(1)": "the path occurs twice",
            "f.attrs['x'] = 1.0; f['x'] = np.zeros(1)": "the path occurs twice",
            "f.attrs['a/b'] = 1.0": "its name contains '/'",
        ]
        for (body, reason) in cases {
            let file = runDirectory + "/foreign.h5"
            _ = try python(
                """
                import h5py, numpy as np, sys
                with h5py.File(sys.argv[1], 'w', libver='v110') as f:
                    \(body)
                """, file)
            XCTAssertThrowsError(try HDF5Image.decode(bytes(file)), body) {
                XCTAssertTrue("\($0)".contains(reason), "\(body): \($0)")
            }
        }
    }

    private func python(_ script: String, _ argument: String) throws -> Data {
        guard let interpreter = ProcessInfo.processInfo.environment["SADDLE_REFERENCE_PYTHON"] else {
            throw XCTSkip("SADDLE_REFERENCE_PYTHON is not set")
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: interpreter)
        process.arguments = ["-c", script, argument]
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0, script)
        return data
    }
}
