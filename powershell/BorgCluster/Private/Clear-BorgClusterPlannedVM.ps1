function Clear-BorgClusterPlannedVM {
    <#
    .SYNOPSIS
    Destroys the planned virtual machine that a comparison left behind.
    .DESCRIPTION
    Remove-VM takes the planned machine of the report. Where it refuses, the machine is looked up through WMI by its id:
    Get-VM does not list planned ones.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM
    )

    try {
        $null = Hyper-V\Remove-VM -VM $VM -Force -Confirm:$false -ErrorAction Stop
        return
    } catch {
        Write-Verbose -Message "Remove-VM does not take the planned machine: $_"
    }
    $namespace = 'root\virtualization\v2'
    $query = @{
        Namespace = $namespace
        ClassName = 'Msvm_PlannedComputerSystem'
        Filter = "Name = '$(([string] $VM.Id).ToUpperInvariant())'"
        ErrorAction = 'Stop'
    }
    foreach ($planned in @(Get-CimInstance @query)) {
        $service = Get-CimInstance -Namespace $namespace -ClassName 'Msvm_VirtualSystemManagementService' -ErrorAction Stop
        $call = @{
            InputObject = $service
            MethodName = 'DestroySystem'
            Arguments = @{ AffectedSystem = $planned }
            ErrorAction = 'Stop'
        }
        $null = Invoke-CimMethod @call
    }
}
