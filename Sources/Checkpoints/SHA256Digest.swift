import CCrypto

/// A SHA-256 digest (FIPS 180-4) computed by OpenSSL, fed in pieces.
package struct SHA256Digest: ~Copyable {
    private let context = EVP_MD_CTX_new()

    package init() {
        let status = EVP_DigestInit_ex(context, EVP_sha256(), nil)
        precondition(
            status == 1, "SHA256Digest: got OpenSSL status \(status), expected SHA-256 to be available")
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    /// The digest of all bytes so far as 64 lower-case hexadecimal digits; ends the computation.
    package consuming func hexadecimal() -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(context, &digest, nil)
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    deinit { EVP_MD_CTX_free(context) }

    /// The digest of `bytes` in hexadecimal.
    package static func hexadecimal(of bytes: [UInt8]) -> String {
        var digest = SHA256Digest()
        bytes.withUnsafeBytes { digest.update($0) }
        return digest.hexadecimal()
    }
}
