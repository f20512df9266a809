function Import-BorgClusterVMCopy {
    <#
    .SYNOPSIS
    Registers a copy of a virtual machine under a new id, with its files where they lie and all adapters disconnected.
    .DESCRIPTION
    A new id exists only in the parameter set of Compare-VM and Import-VM that copies disks, too. So only the comparison is
    used, which makes a planned machine: that one gets its own disks, name and notes, and then WMI makes it a machine
    (RealizePlannedSystem), which copies nothing. Until then nothing is registered, and a failure destroys the planned machine.
    .OUTPUTS
    A table with Id ($null: not registered) and Findings (a list of Incompatibility).
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [string]
        $Name,

        [Parameter(Mandatory)]
        [string]
        $Mark
    )

    $folder = Get-BorgClusterCopyFolder -Path $Path
    $how = @{
        Path = $Path
        Copy = $true
        GenerateNewId = $true
        VirtualMachinePath = $folder
        SnapshotFilePath = $folder
        SmartPagingFilePath = $folder
        Confirm = $false
        ErrorAction = 'Stop'
    }
    $report = Hyper-V\Compare-VM @how
    $made = $null
    try {
        $id = ConvertTo-BorgClusterId -Value $report.VM.Id
        if ($null -eq $id -or $id -eq $VMId.ToString('D')) {
            $record = @{
                ErrorId = 'BorgClusterVMIdNotNew'
                Category = 'InvalidResult'
                Message = "The copy of $VMId did not get an id of its own."
                TargetObject = $VMId
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
        $before = Resolve-BorgClusterReport -Report $report
        foreach ($adapter in @(Hyper-V\Get-VMNetworkAdapter -VM $report.VM -ErrorAction Stop)) {
            $null = Hyper-V\Disconnect-VMNetworkAdapter -VMNetworkAdapter $adapter -Confirm:$false -ErrorAction Stop
        }
        Move-BorgClusterDrive -VM $report.VM -Folder $folder
        $notes = @([string] (Get-BorgClusterProperty -InputObject $report.VM -Name 'Notes'), $Mark) -join "`n"
        $identity = @{
            VM = $report.VM
            NewVMName = $Name
            Notes = $notes.Trim()
            Confirm = $false
            ErrorAction = 'Stop'
        }
        $null = Hyper-V\Set-VM @identity

        $report = Hyper-V\Compare-VM -CompatibilityReport $before['Report'] -Confirm:$false -ErrorAction Stop
        $after = Resolve-BorgClusterReport -Report $report
        if ($after['Unmended'] -eq 0) {
            Invoke-BorgClusterRealization -VMId $id
            $made = $id
        }
        $mended = @(foreach ($finding in $before['Findings']) { if ($null -ne $finding['mended_by']) { $finding } })
        return @{ Id = $made; Findings = $mended + @($after['Findings']) }
    } finally {
        if ($null -eq $made -and $null -ne $report.VM) {
            Clear-BorgClusterPlannedVM -VM $report.VM
        }
    }
}
