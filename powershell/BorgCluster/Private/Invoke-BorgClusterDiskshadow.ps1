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
        if (Test-BorgClusterItem -Path $installed) {
            $tool = $installed
        }
    }
    $file = [System.IO.Path]::GetTempFileName()
    try {
        [System.IO.File]::WriteAllLines($file, $Script, [System.Text.Encoding]::ASCII)
        $found = Invoke-BorgClusterTool -Name $tool -Argument @('/s', $file)
    } finally {
        [System.IO.File]::Delete($file)
    }
    if ($found['ExitCode'] -ne 0) {
        $record = @{
            ErrorId = 'BorgClusterDiskshadowFailed'
            Category = 'OperationStopped'
            Message = "diskshadow ended with code $($found['ExitCode'])."
            TargetObject = $found['ExitCode']
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    foreach ($line in $found['Line']) {
        $line
    }
}
