import Foundation

/// A `*.safetensors.index.json`: which shard holds which tensor.
struct ShardIndex {
    let path: String
    private let shardOfTensor: [String: String]

    private struct Contents: Decodable {
        let shardOfTensor: [String: String]

        enum CodingKeys: String, CodingKey { case shardOfTensor = "weight_map" }
    }

    init(path: String) throws {
        self.path = path
        shardOfTensor = try JSONFile.decode(Contents.self, from: path).shardOfTensor
        guard !shardOfTensor.isEmpty else {
            throw ModelFilesError.invalid(path: path, reason: "weight_map names no tensors")
        }
    }

    /// All shards, each with the tensors that the index says it has.
    func open() throws -> [SafetensorsFile] {
        let tensorsOfShard = Dictionary(grouping: shardOfTensor.keys, by: { shardOfTensor[$0] ?? "" })
        let directory = (path as NSString).deletingLastPathComponent
        let files = try tensorsOfShard.sorted { $0.key < $1.key }.map { shard, tensors in
            // A name with a directory in it would reach outside the model.
            guard !shard.contains("/"), shard.hasSuffix(".safetensors") else {
                throw ModelFilesError.invalid(
                    path: path, reason: "weight_map names \"\(shard)\", expected a safetensors file beside it"
                )
            }
            let file = try SafetensorsFile(path: directory.isEmpty ? shard : "\(directory)/\(shard)")
            let absent = tensors.filter { file[$0] == nil }.sorted()
            guard absent.isEmpty else {
                throw ModelFilesError.invalid(
                    path: file.path,
                    reason: "\(path) says it has \(cut(absent, separator: ", ")), which it has not")
            }
            return (shard, file)
        }
        for (shard, file) in files {
            let unnamed = file.entries.map(\.name).filter { shardOfTensor[$0] != shard }.sorted()
            guard unnamed.isEmpty else {
                throw ModelFilesError.invalid(
                    path: path, reason: "it does not name \(cut(unnamed, separator: ", ")) of \(shard)")
            }
        }
        return files.map(\.1)
    }
}
