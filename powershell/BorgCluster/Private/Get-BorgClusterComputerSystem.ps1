function Get-BorgClusterComputerSystem {
    <#
    .SYNOPSIS
    Finds a virtual machine of this node in WMI by its id (Msvm_ComputerSystem), or fails.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    $query = @{
        Namespace = 'root\virtualization\v2'
        ClassName = 'Msvm_ComputerSystem'
        Filter = "Name = '$($VMId.ToString('D').ToUpperInvariant())'"
        ErrorAction = 'Stop'
    }
    foreach ($system in @(CimCmdlets\Get-CimInstance @query)) {
        $name = Get-BorgClusterProperty -InputObject $system -Name 'Name'
        if ((ConvertTo-BorgClusterId -Value $name) -eq $VMId.ToString('D')) {
            return $system
        }
    }
    # Hyper-V's own word, should the machine be gone; else WMI alone does not know it
    $null = Assert-BorgClusterVM -VMId $VMId
    $record = @{
        ErrorId = 'BorgClusterVMNotRegistered'
        Category = 'ObjectNotFound'
        Message = "WMI does not list the virtual machine $VMId on $([System.Environment]::MachineName)."
        TargetObject = $VMId
    }
    throw (ConvertTo-BorgClusterErrorRecord @record)
}
