function Get-BorgClusterWriterFact {
    <#
    .SYNOPSIS
    Asks diskshadow about the VSS writers, and vssadmin for their states where diskshadow does not tell them.
    .DESCRIPTION
    diskshadow comes with the server editions only; vssadmin is everywhere and tells no components.
    .OUTPUTS
    A table with Components (WriterComponent) and Writers (WriterStatus).
    #>
    $there = $true
    try {
        $lines = @(Invoke-BorgClusterDiskshadow -Script @('list writers detailed', 'list writers status', 'exit'))
    } catch [System.Management.Automation.CommandNotFoundException] {
        Write-Verbose -Message "There is no diskshadow: $_"
        $there = $false
        $lines = @()
    }
    $found = ConvertFrom-BorgClusterWriterText -Line $lines
    if ($found['Writers'].Count -gt 0) {
        return $found
    }
    try {
        $listed = Invoke-BorgClusterTool -Name 'vssadmin' -Argument @('list', 'writers')
        if ($listed['ExitCode'] -ne 0) {
            $record = @{
                ErrorId = 'BorgClusterVssadminFailed'
                Category = 'OperationStopped'
                Message = "vssadmin ended with code $($listed['ExitCode'])."
                TargetObject = $listed['ExitCode']
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
        $found['Writers'] = @(ConvertFrom-BorgClusterVssadminText -Line $listed['Line'])
    } catch [System.Management.Automation.CommandNotFoundException] {
        if (-not $there) {
            throw
        }
        Write-Verbose -Message "There is no vssadmin: $_"
    }
    return $found
}
