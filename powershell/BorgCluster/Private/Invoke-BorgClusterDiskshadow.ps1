function Invoke-BorgClusterDiskshadow {
    <#
    .SYNOPSIS
    Lets diskshadow carry out a script, and returns the lines that it writes. It only lists here; nothing is changed.
    #>
    param (
        [Parameter(Mandatory)]
        [string[]]
        $Script
    )

    $tool = 'diskshadow'
    if (-not [string]::IsNullOrEmpty($env:SystemRoot)) {
        $installed = Join-BorgClusterPath -Folder $env:SystemRoot -Name 'System32\diskshadow.exe'
        if ([System.IO.File]::Exists($installed)) {
            $tool = $installed
        }
    }
    $file = [System.IO.Path]::GetTempFileName()
    try {
        [System.IO.File]::WriteAllLines($file, $Script, [System.Text.Encoding]::ASCII)
        # Its words are in the system's code page; what is looked for in them is not words
        & $tool '/s' $file
        if ((Test-Path -LiteralPath 'variable:LASTEXITCODE') -and $LASTEXITCODE -ne 0) {
            $record = @{
                ErrorId = 'BorgClusterDiskshadowFailed'
                Category = 'OperationStopped'
                Message = "diskshadow ended with code $LASTEXITCODE."
                TargetObject = $LASTEXITCODE
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
    } finally {
        [System.IO.File]::Delete($file)
    }
}
