function Get-BorgClusterOperationalStatus {
    <#
    .SYNOPSIS
    Reads the operational status numbers of one virtual machine of this node, or of all: a table of VM id and list of numbers.
    .DESCRIPTION
    Msvm_ComputerSystem has the numbers that mean 'migrating' or 'merging'; Get-VM shows localized text beside its enums.
    Where WMI does not answer the table is empty, and the enums are taken.
    #>
    param (
        [AllowNull()]
        [object]
        $VMId = $null
    )

    $query = @{
        Namespace = 'root\virtualization\v2'
        ClassName = 'Msvm_ComputerSystem'
        ErrorAction = 'Stop'
    }
    $id = ConvertTo-BorgClusterId -Value $VMId
    if ($null -ne $id) {
        $query['Filter'] = "Name = '$($id.ToUpperInvariant())'"
    }
    $table = @{}
    try {
        foreach ($system in @(CimCmdlets\Get-CimInstance @query)) {
            $key = ConvertTo-BorgClusterId -Value (Get-BorgClusterProperty -InputObject $system -Name 'Name')
            $told = @(Get-BorgClusterProperty -InputObject $system -Name 'OperationalStatus')
            # Nothing would become 0
            $numbers = @(foreach ($status in $told) { if ($null -ne $status) { [int] $status } })
            if ($null -ne $key -and $numbers.Count -gt 0) {
                $table[$key] = $numbers
            }
        }
    } catch {
        Write-Verbose -Message "Msvm_ComputerSystem does not answer: $_"
    }
    return $table
}
