function ConvertTo-BorgClusterAnswer {
    <#
    .SYNOPSIS
    Turns an answer into the one text that a command returns.
    .DESCRIPTION
    JSON with an explicit depth, since ConvertTo-Json cuts at 2 by itself; beyond 100 kB it is compressed, as remoting is slow
    on long texts. Base64 of gzip begins with H4sI, JSON with a brace: that tells them apart.
    #>
    param (
        [Parameter(Mandatory)]
        [System.Collections.Specialized.OrderedDictionary]
        $Answer
    )

    if (-not $Answer.Contains('schema')) {
        $Answer.Insert(0, 'schema', 1)
    }
    $json = ConvertTo-Json -InputObject $Answer -Depth 16 -Compress
    $bytes = [System.Text.Encoding]::UTF8.GetBytes($json)
    if ($bytes.Length -le 100000) {
        return $json
    }
    $buffer = [System.IO.MemoryStream]::new()
    $gzip = [System.IO.Compression.GZipStream]::new($buffer, [System.IO.Compression.CompressionMode]::Compress)
    try {
        $gzip.Write($bytes, 0, $bytes.Length)
    } finally {
        # What is compressed is only whole once the stream is closed
        $gzip.Dispose()
    }
    return [System.Convert]::ToBase64String($buffer.ToArray())
}
